/**
 * The only place that calls a channel. It turns an input into a wire request, sends it over kept-alive connections, and
 * turns what comes back into an outcome. Trouble of any kind (a time limit, a refused connection, an unreadable or
 * unverifiable answer, an echo that differs) is the outcome `unknown`, never an exception: the order may exist. Each
 * account's operations have places, time limits and breakers of their own (`guard.ts`).
 */
import type { Clock } from "../kit/clock.ts";
import { InvariantError } from "../kit/error.ts";
import type { Logger } from "../kit/log.ts";
import type { Random } from "../kit/random.ts";
import { isBadSignature, readByVersions } from "./account-versions.ts";
import { isBarcode } from "./auth-code.ts";
import { type BillFetch, type BillSink, createBillReceiver } from "./bills.ts";
import type { CallHealth } from "./breaker.ts";
import type {
  AttemptReference,
  BillInput,
  Channel,
  ChannelAccount,
  ChannelContext,
  ChannelFailure,
  ChannelOperation,
  CloseOutcome,
  Conversation,
  IdentityOutcome,
  LocalOperation,
  NoticeResult,
  Operation,
  PayInput,
  PayOutcome,
  QueryOutcome,
  RefundInput,
  RefundOutcome,
  Send,
  Unknown,
  UnknownReason,
  WireNotice,
  WireRequest,
  WireResponse,
} from "./contract.ts";
import { createGuard, type Guard, type LaneHealth } from "./guard.ts";
import { checkIntegrity, checkRefundIntegrity, expectPayment } from "./integrity.ts";
import { RequestRefused, unknown } from "./refusal.ts";
import { createWire, type Wire } from "./wire.ts";

export type { BillFetch, BillSink } from "./bills.ts";
export type { LaneHealth } from "./guard.ts";

const OPERATION_TIMEOUT_MS = 12_000;
/** A bill that comes within an answer takes longer, and more room, than any other answer. */
const BILL_TIMEOUT_MS = 60_000;
const BILL_BYTES_MAX = 64 * 1_048_576;

export interface ChannelCallerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** The longest that any operation may take, where its own limit is not shorter; 12 s unless given. */
  readonly timeout_ms?: number;
}

/** Calls that never throw for a channel's trouble. An unsupported method or operation is the caller's fault and throws. */
export interface ChannelCaller {
  pay(channel: Channel, account: ChannelAccount, input: PayInput): Promise<PayOutcome>;
  query(channel: Channel, account: ChannelAccount, input: AttemptReference): Promise<QueryOutcome>;
  close(channel: Channel, account: ChannelAccount, input: AttemptReference): Promise<CloseOutcome>;
  cancel(channel: Channel, account: ChannelAccount, input: AttemptReference): Promise<CloseOutcome>;
  refund(channel: Channel, account: ChannelAccount, input: RefundInput): Promise<RefundOutcome>;
  queryRefund(channel: Channel, account: ChannelAccount, input: RefundInput): Promise<RefundOutcome>;
  identify(channel: Channel, account: ChannelAccount, code: string): Promise<IdentityOutcome>;
  readNotice(channel: Channel, account: ChannelAccount, notice: WireNotice): Promise<NoticeResult>;
  /** Finds the bill of a day and streams it into `sink`. Throws what the sink throws. */
  downloadBill(channel: Channel, account: ChannelAccount, input: BillInput, sink: BillSink): Promise<BillFetch>;
  /** Any further operation of a channel, such as fetching its certificates. `name` is for the log, and names its lane. */
  run<Input, Outcome>(
    name: string,
    account: ChannelAccount,
    operation: ChannelOperation<Input, Outcome>,
    input: Input,
  ): Promise<Outcome | Refused | Unknown>;
  /** Why an operation would be kept back now, without being sent; undefined when it would be sent. */
  refuses(account_id: string, operation: "pay"): "breaker" | "bulkhead" | undefined;
  /** How the operations of an account fare that this process called lately. */
  health(account_id: string): LaneHealth[];
  /** Closes the connections after the calls under way. */
  end(): Promise<void>;
}

interface Refused {
  readonly kind: "failed";
  readonly failure: ChannelFailure;
}

/** A call under way, for the log: our number of the attempt or the refund, never the payer's data. */
interface Call {
  readonly operation: string;
  /** The name of its lane. */
  readonly lane: string;
  readonly number?: string;
}

/** What every call works with. */
interface Tools {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly wire: Wire;
  readonly guard: Guard;
}

/** One caller serves the whole process: its connections are shared by all accounts of a channel. */
export function createChannelCaller({ clock, random, log, timeout_ms }: ChannelCallerOptions): ChannelCaller {
  const wire = createWire(timeout_ms ?? OPERATION_TIMEOUT_MS);
  const guard = createGuard({ clock, log, timeout_ms: timeout_ms ?? OPERATION_TIMEOUT_MS });
  const tools: Tools = { clock, random, log, wire, guard };
  const billGuard = createGuard({ clock, log, timeout_ms: BILL_TIMEOUT_MS });
  const billTools: Tools = { ...tools, wire: createWire(BILL_TIMEOUT_MS, BILL_BYTES_MAX), guard: billGuard };
  const billReceiver = createBillReceiver();
  return {
    async pay(channel, account, input) {
      const call = callOf(channel, "pay", input.serial_no);
      const operation = offered(channel.pay[input.method], channel, input.method);
      const outcome = await ("perform" in operation
        ? performLocally(tools, call, account, operation, input)
        : perform(tools, call, account, withoutCode(operation, input.payer.auth_code), input));
      return checkPayment(log, call, channel, account, input, outcome);
    },
    async query(channel, account, input) {
      const call = callOf(channel, "query", input.serial_no);
      const outcome = await perform(tools, call, account, channel.query, input);
      return checkPayment(log, call, channel, account, input, outcome);
    },
    async close(channel, account, input) {
      const operation = offered(channel.close, channel, "close");
      return perform(tools, callOf(channel, "close", input.serial_no), account, operation, input);
    },
    async cancel(channel, account, input) {
      const operation = offered(isBarcode(input.method) ? channel.barcode?.cancel : channel.cancel, channel, "cancel");
      return perform(tools, callOf(channel, "cancel", input.serial_no), account, operation, input);
    },
    async refund(channel, account, input) {
      const call = callOf(channel, "refund", input.refund_no);
      return checkRefund(log, call, input, await perform(tools, call, account, channel.refund, input));
    },
    async queryRefund(channel, account, input) {
      const call = callOf(channel, "refund_query", input.refund_no);
      return checkRefund(log, call, input, await perform(tools, call, account, channel.queryRefund, input));
    },
    async identify(channel, account, code) {
      const operation = offered(channel.identity?.exchange, channel, "identity");
      return perform(tools, callOf(channel, "identify"), account, operation, { code });
    },
    readNotice: (channel, account, notice) => {
      const read = (by: ChannelAccount) =>
        channel.readNotice({ account: by, clock, random }, notice, openLine(wire).send);
      return readByVersions(account, read, ({ kind }) => kind === "rejected");
    },
    async downloadBill(channel, account, input, sink) {
      const bills = offered(channel.bills, channel, "bills");
      const call = callOf(channel, "bill", `${input.kind} ${input.date}`);
      const located = await perform(billTools, call, account, bills.locate, input);
      const nextPage = async (cursor: string) =>
        perform(billTools, call, account, offered(bills.page, channel, "pages of bills"), { ...input, cursor });
      const outcome = await billReceiver.receive(located, bills.origins(account), sink, nextPage);
      if (outcome.kind !== located.kind) logOutcome(log, call, outcome);
      return outcome;
    },
    run: (name, account, operation, input) =>
      perform(tools, { operation: name, lane: name }, account, operation, input),
    refuses: (account_id, operation) => guard.refuses(account_id, operation),
    health: (account_id) => [...guard.health(account_id), ...billGuard.health(account_id)],
    async end() {
      await Promise.all([wire.end(), billTools.wire.end(), billReceiver.end()]);
    },
  };
}

/** A refusal may quote the request, as Alipay's does after a bad signature: the payer's code is cut out of it. */
function withoutCode(
  operation: ChannelOperation<PayInput, PayOutcome>,
  auth_code: string | undefined,
): ChannelOperation<PayInput, PayOutcome> {
  if (auth_code === undefined || "converse" in operation) return operation;
  const cut = (text: string) => text.replaceAll(auth_code, "***");
  return {
    toRequest: operation.toRequest,
    async fromResponse(context, input, response) {
      const outcome = await operation.fromResponse(context, input, response);
      if (outcome.kind === "unknown") return { ...outcome, detail: cut(outcome.detail) };
      if (outcome.kind !== "failed") return outcome;
      return { kind: "failed", failure: { ...outcome.failure, message: cut(outcome.failure.message) } };
    },
  };
}

function callOf(channel: Channel, name: string, number?: string): Call {
  return { operation: `${channel.id}.${name}`, lane: name, ...(number === undefined ? {} : { number }) };
}

async function perform<Input, Outcome>(
  { clock, random, log, wire, guard }: Tools,
  call: Call,
  account: ChannelAccount,
  operation: ChannelOperation<Input, Outcome>,
  input: Input,
): Promise<Outcome | Refused | Unknown> {
  const context: ChannelContext = { account, clock, random };
  const outcome = await guard.run(account.id, call.lane, async (timeout_ms) => {
    const line = openLine(wire, AbortSignal.timeout(timeout_ms));
    const made = await ("converse" in operation
      ? converse(line, operation, context, input)
      : exchange(line, operation, context, input));
    return { outcome: made, health: line.used() ? healthOf(made) : ("none" as const) };
  });
  logOutcome(log, call, outcome);
  return outcome;
}

const troubles: ReadonlySet<UnknownReason> = new Set<UnknownReason>(["timeout", "connection", "http_status"]);

/** An explicit refusal, and an answer that we cannot use, still come from a channel that answers. */
function healthOf(outcome: unknown): CallHealth {
  const { kind, reason } = outcome as { kind: string; reason?: UnknownReason };
  return kind === "unknown" && reason && troubles.has(reason) ? "trouble" : "good";
}

async function exchange<Input, Outcome>(
  line: Line,
  operation: Operation<Input, Outcome>,
  context: ChannelContext,
  input: Input,
): Promise<Outcome | Refused | Unknown> {
  try {
    const request = await operation.toRequest(context, input);
    const answer = await line.exchange(request);
    if ("kind" in answer) return answer;
    const read = (by: ChannelAccount) =>
      readSafely(() => operation.fromResponse({ ...context, account: by }, input, answer));
    return await readByVersions(context.account, read, isBadSignature);
  } catch (error) {
    return outcomeOfUnsent(error);
  }
}

async function converse<Input, Outcome>(
  line: Line,
  operation: Conversation<Input, Outcome>,
  context: ChannelContext,
  input: Input,
): Promise<Outcome | Refused | Unknown> {
  try {
    return await operation.converse(context, input, line.send);
  } catch (error) {
    if (error instanceof RequestRefused) return outcomeOfUnsent(error);
    return line.trouble() ?? outcomeOfUnsent(error);
  }
}

/** The wire as one operation uses it. */
interface Line {
  readonly exchange: (request: WireRequest) => Promise<WireResponse | Unknown>;
  readonly send: Send;
  /** What the last exchange of `send` came to, where nothing could be made of it. */
  trouble(): Unknown | undefined;
  used(): boolean;
}

/** What an SDK makes of a broken exchange is its own affair: `trouble` tells what the exchange itself came to. */
function openLine(wire: Wire, limit?: AbortSignal): Line {
  let last: Unknown | undefined;
  let used = false;
  const exchange = (request: WireRequest) => {
    used = true;
    return wire.exchange(request, limit);
  };
  const send: Send = async (request) => {
    const answer = await exchange(request);
    last =
      "kind" in answer ? answer : unknown("unreadable", `the answer with status ${answer.status} could not be read`);
    if ("kind" in answer) throw new Error(answer.detail);
    return answer;
  };
  return { exchange, send, trouble: () => last, used: () => used };
}

async function performLocally<Input, Outcome>(
  { clock, random, log }: Tools,
  call: Call,
  account: ChannelAccount,
  operation: LocalOperation<Input, Outcome>,
  input: Input,
): Promise<Outcome | Refused | Unknown> {
  const outcome = await operation.perform({ account, clock, random }, input).catch(outcomeOfUnsent);
  logOutcome(log, call, outcome);
  return outcome;
}

function offered<T>(operation: T | undefined, channel: Channel, name: string): T {
  if (!operation) throw new InvariantError(`${channel.id} does not offer ${name}`);
  return operation;
}

async function readSafely<Outcome>(read: () => Outcome | Promise<Outcome>): Promise<Outcome | Unknown> {
  try {
    return await read();
  } catch (error) {
    return unknown("unreadable", `the answer could not be read: ${messageOf(error)}`);
  }
}

/** Nothing was sent. An input that the channel can never take failed; an account that cannot sign tells nothing. */
function outcomeOfUnsent(error: unknown): Refused | Unknown {
  if (error instanceof RequestRefused) {
    const { code, message, elsewhere } = error;
    return { kind: "failed", failure: { code, message, ...(elsewhere && { elsewhere }) } };
  }
  return unknown("not_sent", `the request could not be made: ${messageOf(error)}`);
}

function checkPayment<Outcome extends PayOutcome | QueryOutcome>(
  log: Logger,
  call: Call,
  channel: Channel,
  account: ChannelAccount,
  input: AttemptReference,
  outcome: Outcome,
): Outcome | Unknown {
  if (outcome.kind !== "succeeded") return outcome;
  return (
    refuseDifferences(log, call, checkIntegrity(expectPayment(channel, account, input), outcome.payment)) ?? outcome
  );
}

function checkRefund(log: Logger, call: Call, input: RefundInput, outcome: RefundOutcome): RefundOutcome {
  if (outcome.kind !== "succeeded") return outcome;
  const expected = { refund_no: input.refund_no, serial_no: input.attempt.serial_no, amount: input.amount };
  return refuseDifferences(log, call, checkRefundIntegrity(expected, outcome.refund)) ?? outcome;
}

function refuseDifferences(log: Logger, call: Call, differences: string[]): Unknown | undefined {
  if (differences.length === 0) return undefined;
  const outcome = unknown("integrity", differences.join("; "));
  logOutcome(log, call, outcome);
  return outcome;
}

function logOutcome(log: Logger, call: Call, outcome: unknown): void {
  const { kind, reason, detail, held_back } = outcome as { kind: string } & Partial<Unknown>;
  // While a breaker is open nothing new is learnt; that it opened was said.
  if (kind !== "unknown" || held_back) log.debug({ ...call, outcome: kind }, "channel called");
  else if (reason === "integrity") log.error({ ...call, reason, detail }, "channel echo differs from what was asked");
  else log.warn({ ...call, reason, detail }, "channel outcome unknown");
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
