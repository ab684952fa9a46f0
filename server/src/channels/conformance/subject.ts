/** What the suite must be told about a channel: how to reach it, and where channels rightly differ. */
import { afterAll, beforeAll } from "vitest";
import { money } from "../../kit/money.ts";
import type { Secret } from "../../kit/secret.ts";
import type { ChannelCaller } from "../call.ts";
import type {
  Action,
  Channel,
  ChannelAccount,
  Method,
  PayInput,
  PayOutcome,
  UnknownReason,
  WireNotice,
} from "../contract.ts";
import type { BarcodeFacts } from "./barcodes.ts";
import type { BillFacts } from "./bills.ts";
import {
  type ControlPlane,
  createControlPlane,
  createObservedCallers,
  makePayInput,
  makeStrangeKey,
  type NoticeReceiver,
  type Provisioned,
  startNoticeReceiver,
} from "./harness.ts";

export interface ConformanceSubject {
  readonly title: string;
  readonly channel: Channel;
  /** Starts the channel's simulator in this process, on a free port. */
  start(): Promise<{ url: string; close(): Promise<void> }>;
  /** Registers a merchant at the channel; `receiver` takes the notices of a channel that is told one address for all. */
  provision(control: ControlPlane, receiver: NoticeReceiver): Promise<Provisioned>;
  /** Our number in a notice, where all of an account's notices come to one address. */
  numberOfNotice?(notice: WireNotice): string | undefined;
  /** The account after the channel changed its keys to `rotated`, holding old and new ones. */
  renew(account: ChannelAccount, rotated: Record<string, unknown>): ChannelAccount;
  /** The account with the channel's addresses replaced by `url`. */
  relocate(account: ChannelAccount, url: string): ChannelAccount;
  /** The name of the secret that proves who we are: the merchant's private key, or a key of the channel's making. */
  readonly privateKeyField: string;
  /** A well-formed one that the channel does not know; an RSA key in PEM unless given. */
  makeStrangeKey?(): Secret;
  /** In which the suite pays; CNY unless given. */
  readonly currency?: string;
  /** The method that the suite pays by; starting it calls the channel. */
  readonly method: Method;
  readonly facts: ChannelFacts;
}

/** Where channels rightly differ. */
export interface ChannelFacts {
  /** The query of an order that its payer has not met yet. */
  readonly unseen: "pending" | "not_found";
  /** Closing an order that is closed. */
  readonly closedTwice: "closed" | "already_paid";
  /** The answer to a refund that goes well. */
  readonly refunded: "pending" | "succeeded";
  /** The refund query while a refund is under way. */
  readonly refundUnderWay: "pending" | "not_found";
  readonly notEnoughCode: string;
  /** Faults of an exchange and the reason that each must have. */
  readonly troubles: Readonly<Record<string, UnknownReason>>;
  /** Well-signed but untrue answers to a query. */
  readonly untruths: readonly string[];
  /** Well-signed but untrue answers to a refund query. */
  readonly refundUntruths: readonly string[];
  /** The refund query names the payment by the channel's number only. */
  readonly refundWithoutOrder?: true;
  /** Why the query is not known once the channel has changed its keys; bad_signature unless given. */
  readonly rotated?: UnknownReason;
  /** A notice brings the way to its certificate: the channel renews it without the account's knowing. */
  readonly certificateTravels?: true;
  /** Well-signed but untrue notices; of another amount and of another merchant unless given. */
  readonly untrueNotices?: readonly string[];
  /** Spoilt notices that must be refused. */
  readonly spoiltNotices: readonly string[];
  /** The payer only approves: the money is taken when the order is asked about. */
  readonly approvedFirst?: true;
  /** Without the channel's number of it an order cannot be found, and nobody can pay it. */
  readonly lostWithoutNumber?: true;
  /** Nothing is told to the channel: an order is closed by never taking its money. */
  readonly closedByNeglect?: true;
  /** The answer to a payer's code is not signed. */
  readonly identityUnsigned?: true;
  /** Where it takes the payer's code. */
  readonly barcode?: BarcodeFacts;
  /** Where it publishes bills. */
  readonly bills?: BillFacts;
}

/** The faults that a channel tells apart, and those that are the same at every channel. */
export function troublesOf({ troubles }: Pick<ChannelFacts, "troubles">): Record<string, UnknownReason> {
  return { ...troubles, gbk: troubles.html ?? "unreadable", huge: "unreadable", cut: "connection" };
}

/** Everything that a test of the suite works with. */
export interface World {
  readonly control: ControlPlane;
  readonly receiver: NoticeReceiver;
  readonly caller: ChannelCaller;
  /** For calls that are meant to time out. */
  readonly impatient: ChannelCaller;
  readonly lines: string[];
  readonly account: ChannelAccount;
  readonly merchant: string;
  readonly key_holder?: string;
}

/** Starts channel, merchant, receiver and caller for the tests of one describe block. */
export function useWorld(subject: Pick<ConformanceSubject, "start" | "provision" | "numberOfNotice">): () => World {
  let world: World;
  let stop: () => Promise<void>;
  beforeAll(async () => {
    const running = await subject.start();
    const control = createControlPlane(running.url);
    const receiver = await startNoticeReceiver(subject.numberOfNotice);
    const callers = createObservedCallers();
    world = { control, receiver, ...callers, ...(await subject.provision(control, receiver)) };
    stop = async () => {
      await Promise.all([callers.caller.end(), callers.impatient.end()]);
      await receiver.close();
      await running.close();
    };
  });
  afterAll(() => stop());
  return () => world;
}

/** Asks for a fault of the merchant's next call. */
export async function ask(
  world: World,
  subject: Pick<ConformanceSubject, "channel">,
  operation: string,
  fault: string,
): Promise<void> {
  const { control, merchant } = world;
  await control.post("faults", { channel: subject.channel.id, operation, fault, merchant });
}

/** What a payer scans or opens. */
export function codeOf(action: Action): string {
  if (action.type === "qr_code") return action.qr_code;
  if (action.type === "redirect") return action.url;
  if (action.type === "jsapi") return action.parameters.tradeNO ?? action.parameters.package!.replace("prepay_id=", "");
  if (action.type === "app")
    return "order_string" in action ? action.order_string : (action.parameters.prepayid ?? action.parameters.tn)!;
  if (action.type === "form") return `${action.url}?${new URLSearchParams(action.fields)}`;
  throw new Error("the action has no code");
}

export function expectPending(outcome: PayOutcome): Action {
  return pendingOf(outcome).action;
}

function pendingOf(outcome: PayOutcome) {
  if (outcome.kind !== "pending") throw new Error(`pending was expected, not ${JSON.stringify(outcome)}`);
  return outcome;
}

/** An order of 88.01 in the subject's currency, by its method unless told. */
export function makeOrder(
  subject: ConformanceSubject,
  notify_base: string,
  { method = subject.method, ...changes }: Partial<PayInput> = {},
): PayInput {
  const amount = money(8_801n, subject.currency ?? "CNY");
  return makePayInput(method, notify_base, { amount, ...changes });
}

/** Well-formed, and unknown to the channel. */
export function strangeKeyOf(subject: ConformanceSubject): Secret {
  return subject.makeStrangeKey?.() ?? makeStrangeKey();
}

/** Starts a payment. The input has the channel's number of the order, as the platform would keep it. */
export async function startPayment(
  { caller, account, receiver }: World,
  subject: ConformanceSubject,
  changes: Partial<PayInput> = {},
): Promise<{ input: PayInput; code: string }> {
  const asked = makeOrder(subject, receiver.url, changes);
  const { action, channel_order_no } = pendingOf(await caller.pay(subject.channel, account, asked));
  return { input: { ...asked, channel_order_no }, code: codeOf(action) };
}

/** Pays as a payer does and, where that only approves, has the money taken. Answers the channel's number of the payment. */
export async function payBy(
  { caller, account, control }: World,
  subject: ConformanceSubject,
  { input, code }: { input: PayInput; code: string },
  decision: { notify?: boolean } = {},
): Promise<string> {
  const { transaction_id } = await control.post("pay", { code, ...decision });
  if (subject.facts.approvedFirst) await caller.query(subject.channel, account, input);
  return String(transaction_id);
}

/** A payment that has been paid, silently; answers the channel's number of it. */
export async function payInFull(
  world: World,
  subject: ConformanceSubject,
): Promise<{ input: PayInput; channel_trade_no: string }> {
  const started = await startPayment(world, subject);
  return { input: started.input, channel_trade_no: await payBy(world, subject, started, { notify: false }) };
}
