/** What happens on a day of the quarter, drawn from a table; what was done by hand is remembered. */
import { parsePublicId } from "../../../server/src/kit/id.ts";
import type { Random } from "../../../server/src/kit/random.ts";
import { requestOperation } from "../../../server/src/modules/account-operation/index.ts";
import { requestBankPayment } from "../../../server/src/modules/service-fee/index.ts";
import { codeOf, nextNumber, paymentBody } from "../../platform/payments.ts";
import type { Json } from "../../platform/sandbox-control.ts";
import { type Cast, type Member, payIn } from "./cast.ts";

/** What nobody but the operator knows: the books must agree with it. */
export interface Acts {
  /** Given by hand, less taken, by merchant. */
  adjusted: Map<string, bigint>;
  /** Paid in advance for fees, by merchant. */
  deposited: Map<string, bigint>;
  /** Invoices paid by bank, by merchant. */
  invoices_paid: Map<string, bigint>;
  /** Amounts that are frozen: the operation and its merchant. */
  frozen: { id: string; merchant_id: string }[];
  /** Payments that succeeded, for refunds and shares. */
  paid: { id: string; member: Member; amount: number }[];
  tally: Map<string, number>;
}

export const createActs = (): Acts => ({
  ...{ adjusted: new Map(), deposited: new Map(), invoices_paid: new Map() },
  ...{ frozen: [], paid: [], tally: new Map() },
});

const add = (sums: Map<string, bigint>, key: string, amount: bigint) => sums.set(key, (sums.get(key) ?? 0n) + amount);
const below = (random: Random, limit: number) => Math.floor(random.unit() * limit);
const pick = <T>(random: Random, list: readonly T[]): T | undefined => list[below(random, list.length)];
const CNY = { livemode: false, currency: "CNY" } as const;

type Step = (cast: Cast, acts: Acts) => Promise<unknown>;

const steps: Record<string, { weight: number; run: Step }> = {
  pay: { weight: 40, run: pay },
  /** Two ways to pay at once, and the payer takes both. */
  pay_twice: { weight: 2, run: payTwice },
  walk_away: {
    weight: 4,
    run: ({ platform, members, random }) =>
      platform.call("POST", "/v1/payments", bodyOf(random), { key: pick(random, members)!.key }),
  },
  refund: { weight: 16, run: refund },
  share: { weight: 8, run: share },
  payout: { weight: 8, run: payout },
  freeze_amount: { weight: 3, run: freezeAmount },
  release_amount: { weight: 3, run: releaseAmount },
  freeze_account: { weight: 3, run: freezeAccount },
  adjust: { weight: 3, run: adjust },
  deposit: { weight: 2, run: deposit },
  pay_invoice: { weight: 3, run: payInvoices },
  fault: { weight: 8, run: meetFault },
};

/** Takes one step. Gives its name. */
export async function takeStep(cast: Cast, acts: Acts): Promise<string> {
  const all = Object.entries(steps);
  let at = below(
    cast.random,
    all.reduce((sum, [, { weight }]) => sum + weight, 0),
  );
  const [name, { run }] = all.find(([, { weight }]) => {
    at -= weight;
    return at < 0;
  })!;
  acts.tally.set(name, (acts.tally.get(name) ?? 0) + 1);
  await run(cast, acts);
  return name;
}

const bodyOf = (random: Random) =>
  paymentBody(pick(random, ["wechat.native", "alipay.qr"] as const)!, { amount: 1 + below(random, 50_000) });

async function pay({ platform, members, random }: Cast, acts: Acts): Promise<void> {
  const member = pick(random, members)!;
  const { status, body } = await platform.call("POST", "/v1/payments", bodyOf(random), { key: member.key });
  // The channel may be in trouble, and an account frozen.
  if (status !== 201 || !body.action?.qr_code) return;
  const outcome = below(random, 12) === 0 ? "fail" : "success";
  const paid = await platform.sandbox
    .pay(codeOf(body), { outcome, notify: below(random, 6) > 0 })
    .catch(() => undefined);
  if (paid && outcome === "success") acts.paid.push({ id: body.id, member, amount: body.amount });
}

async function payTwice({ platform, members, random }: Cast): Promise<void> {
  const { key } = pick(random, members)!;
  const amount = 1 + below(random, 50_000);
  const first = await platform.call("POST", "/v1/payments", paymentBody("wechat.native", { amount }), { key });
  if (first.status !== 201) return;
  const second = await platform.call(
    "POST",
    `/v1/payments/${first.body.id}/attempts`,
    { method: "alipay.qr" },
    { key },
  );
  for (const { body } of [first, second]) {
    if (body.action?.qr_code) await platform.sandbox.pay(codeOf(body)).catch(() => undefined);
  }
}

/** The whole, or a part that several refunds share. */
async function refund({ platform, random }: Cast, acts: Acts): Promise<void> {
  const target = pick(random, acts.paid);
  if (!target) return;
  const amount = below(random, 3) === 0 ? target.amount : 1 + below(random, target.amount);
  const body = { payment: target.id, out_refund_no: nextNumber("refund"), amount };
  await platform.call("POST", "/v1/refunds", body, { key: target.member.key });
}

async function share({ platform, pooled, random, share_receiver }: Cast, acts: Acts): Promise<void> {
  const target = pick(
    random,
    acts.paid.filter(({ member }) => member === pooled),
  );
  if (!target) return;
  const receivers = [{ receiver: share_receiver, ratio_ppm: 1 + below(random, 300_000) }];
  await platform.call("POST", "/v1/sharing_orders", {
    payment: target.id,
    out_sharing_no: nextNumber("share"),
    receivers,
  });
}

async function payout({ platform, random, beneficiary }: Cast): Promise<void> {
  const { balances } = await platform.get("/v1/balance");
  const available = balances[0]?.available ?? 0;
  if (available < 1_000) return;
  const body = { out_payout_no: nextNumber("payout"), amount: 100 + below(random, available), currency: "CNY" };
  const { status, body: made } = await platform.call("POST", "/v1/payouts", { ...body, beneficiary });
  if (status === 201 && made.status === "succeeded" && below(random, 6) === 0) {
    const returned = { transfer: made.transfer_no, outcome: "return" };
    await platform.sandbox.request("POST", "/control/transfers", returned).catch(() => undefined);
  }
}

function operate({ platform, operator_id }: Cast, input: Json): Promise<string | undefined> {
  const { services } = platform;
  const work = services.db.transaction(async (tx) => {
    const { id, committed } = await requestOperation(tx, services.account_operation, input, operator_id);
    return { id, committed };
  });
  return work.then(
    ({ id, committed }) => {
      committed();
      return id;
    },
    (error: { code?: string }) => {
      // What is not there cannot be frozen or taken; anything else is a fault.
      if (!error.code?.includes(".")) throw error;
      return undefined;
    },
  );
}

async function freezeAmount(cast: Cast, acts: Acts): Promise<void> {
  const { merchant_id } = pick(cast.random, [cast.pooled, cast.receiver])!;
  const account = pick(cast.random, ["pending", "available"]);
  const amount = BigInt(1 + below(cast.random, 5_000));
  const id = await operate(cast, { type: "freeze_amount", merchant_id, ...CNY, account, amount, reason: "a dispute" });
  if (id) acts.frozen.push({ id, merchant_id });
}

async function releaseAmount(cast: Cast, acts: Acts): Promise<void> {
  const target = acts.frozen.shift();
  if (!target) return;
  const { id: freeze_id, merchant_id } = target;
  await operate(cast, { type: "release_amount", merchant_id, ...CNY, freeze_id, reason: "settled" });
}

/** Until the next of these, which lifts it. */
async function freezeAccount(cast: Cast): Promise<void> {
  const { merchant_id } = pick(cast.random, cast.members)!;
  const scope = pick(cast.random, ["credit", "debit", "all"]);
  for (const { merchant_id: other } of cast.members) {
    await operate(cast, { type: "unfreeze", merchant_id: other, ...CNY, scope: "all", reason: "over" });
  }
  if (below(cast.random, 2) === 0) {
    await operate(cast, { type: "freeze", merchant_id, ...CNY, scope, reason: "an inquiry" });
  }
}

async function adjust(cast: Cast, acts: Acts): Promise<void> {
  const { merchant_id } = pick(cast.random, [cast.pooled, cast.mixed, cast.receiver])!;
  const direction = pick(cast.random, ["credit", "debit"]);
  const amount = BigInt(1 + below(cast.random, 500));
  const input = { type: "adjust", merchant_id, ...CNY, account: "available", direction, amount, reason: "goodwill" };
  if (await operate(cast, input)) add(acts.adjusted, merchant_id, direction === "credit" ? amount : -amount);
}

async function deposit({ platform, direct, operator_id, random }: Cast, acts: Acts): Promise<void> {
  const { merchant_id } = direct;
  const amount = BigInt(1 + below(random, 20_000));
  await payIn(platform, { merchant_id, amount, reference: nextNumber("deposit"), made_by: operator_id });
  add(acts.deposited, merchant_id, amount);
}

/** The merchant's bank transfers what open invoices come to. */
async function payInvoices({ platform, mixed, operator_id }: Cast, acts: Acts): Promise<void> {
  const { merchant_id, key } = mixed;
  const { data } = await platform.get("/v1/service_fee_invoices?limit=100", { key });
  for (const invoice of data.filter(({ status }: Json) => ["issued", "partly_paid", "overdue"].includes(status))) {
    const amount = BigInt(invoice.amount - invoice.amount_paid);
    const target = { merchant_id, id: parsePublicId("service_fee_invoice", invoice.id)! };
    const payment = { amount, reference: nextNumber("bank"), made_by: operator_id };
    const { serviceFee, db } = platform.services;
    await db.transaction((tx) => requestBankPayment(serviceFee, tx, target, payment));
    add(acts.invoices_paid, merchant_id, amount);
  }
}

const faults: Record<string, readonly string[]> = {
  pay: ["timeout_before", "timeout_after", "http_500", "system_error", "rate_limit"],
  query: ["timeout_before", "http_500", "bad_signature"],
  refund: ["timeout_before", "timeout_after", "http_500", "not_enough", "refund_processing"],
  refund_query: ["timeout_before", "http_500"],
  transfer: ["timeout_before", "timeout_after", "http_500"],
  transfer_query: ["timeout_before", "http_500"],
  notice: ["notice_lost", "notice_duplicate", "notice_late", "notice_tampered"],
};

async function meetFault({ platform, random }: Cast): Promise<void> {
  const operation = pick(random, Object.keys(faults))!;
  const channel = pick(random, ["wechat", "alipay"] as const)!;
  // Not every fault exists in every operation of every channel.
  await platform.sandbox
    .fault(channel, operation, pick(random, faults[operation]!)!, { times: 1 + below(random, 2) })
    .catch(() => undefined);
}
