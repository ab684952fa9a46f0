/** A day of the month: what is paid and paid back, and what two operators decide about what does not agree. */
import { publicId } from "../../../server/src/kit/id.ts";
import { COST_PPM, FEE_PPM } from "../../platform/merchants.ts";
import { codeOf, nextNumber } from "../../platform/payments.ts";
import type { Json } from "../../platform/sandbox-control.ts";
import { share } from "../books.ts";
import { type Account, below, type Cast, pick, type Shop } from "./cast.ts";
import type { Finding } from "./plants.ts";

/** Money that moved at a channel. Amounts are below zero for refunds, as are the parts that came back. */
export interface Movement {
  readonly entry: "payment" | "refund";
  readonly shop: Shop;
  readonly account: Account;
  /** Public id. */
  readonly id: string;
  /** As the channel knows it. */
  readonly number: string;
  readonly amount: bigint;
  /** The merchant's fee. */
  readonly fee: bigint;
  /** What the channel takes. */
  readonly cost: bigint;
}

/** The cost and fee of any multiple of it are whole fen, so that parts come back without rounding. */
const ROUND_AMOUNT = 5_000;
const METHODS = { wechat: "wechat.native", alipay: "alipay.qr", unionpay: "unionpay.qr" } as const;

/** A payer pays; mostly the channel tells, and when it does not it is asked. */
export async function pay({ platform, random, shops }: Cast): Promise<Movement> {
  const shop = pick(random, shops);
  const account = pick(random, shop.accounts);
  const amount = below(random, 3) === 0 ? ROUND_AMOUNT * (2 + below(random, 50)) : 2_000 + below(random, 100_000);
  const order = { out_trade_no: nextNumber(), amount, currency: "CNY", subject: "Order 订单", expires_in: 7_200 };
  const body = { ...order, method: METHODS[account.channel] };
  const payment = await platform.post("/v1/payments", body, { key: shop.key });
  await platform.sandbox.pay(codeOf(payment), { notify: below(random, 5) > 0 });
  const { id, serial_no: number } = payment;
  return {
    ...{ entry: "payment", shop, account, id, number, amount: BigInt(amount) },
    ...{ fee: share(BigInt(amount), FEE_PPM), cost: share(BigInt(amount), COST_PPM) },
  };
}

/** A payment of before, whole or in part, goes back. Undefined where nothing of it is left. */
export async function payBack(
  { platform, random }: Cast,
  payments: readonly Movement[],
  given: Map<string, bigint>,
): Promise<Movement | undefined> {
  const { id: payment, number: _, ...paid } = pick(random, payments);
  const left = paid.amount - (given.get(payment) ?? 0n);
  if (left === 0n) return undefined;
  const whole = paid.amount % BigInt(ROUND_AMOUNT) !== 0n || below(random, 2) === 0;
  const amount = whole ? left : BigInt(ROUND_AMOUNT);
  const body = { payment, out_refund_no: nextNumber("refund"), amount: Number(amount) };
  const refund = await platform.post("/v1/refunds", body, { key: paid.shop.key });
  given.set(payment, (given.get(payment) ?? 0n) + amount);
  const part = (of: bigint) => (of * amount) / paid.amount;
  return {
    ...{ ...paid, entry: "refund", id: refund.id, number: refund.id.split("_")[1], amount: -amount },
    ...{ fee: -part(paid.fee), cost: paid.account.channel === "unionpay" ? 0n : -part(paid.cost) },
  };
}

/** What can be done with money that the channel did not pay, or paid too much. */
const ACTIONS = ["claim", "refund_payer", "write_off", "adjust"] as const;

/** Two people decide every open case; what nobody planted is left, and the day stays open. */
export async function decideCases(cast: Cast, findings: readonly Finding[]): Promise<void> {
  const { data } = await cast.maker.get("/reconciliation/cases?state=open&limit=100");
  for (const one of data as Json[]) {
    const path = `/reconciliation/accounts/${one.channel_account}/days/${one.day}/differences?state=open&limit=100`;
    const about = (await cast.maker.get(path)).data.filter((difference: Json) => difference.case === one.id);
    const finding = findings.find(
      ({ account, day, type, number }) =>
        publicId("channel_account", account.id) === one.channel_account &&
        day === one.day &&
        type === one.type &&
        number === about[0]?.number,
    );
    if (finding && about.length === 1) await decide(cast, one.id, finding);
  }
}

/** Money that is in no book is given to a merchant of the account, or is explained and stays in none. */
async function decide(cast: Cast, case_id: string, finding: Finding): Promise<void> {
  const { random, shops, maker, checker } = cast;
  const owner =
    finding.shop ??
    pick(
      random,
      shops.filter(({ accounts }) => accounts.includes(finding.account)),
    );
  const nobodys = !finding.shop && below(random, 2) === 0;
  const wanted = nobodys ? ("explain" as const) : pick(random, ACTIONS);
  const merchant = nobodys || finding.shop ? {} : { merchant: publicId("merchant", owner.merchant_id) };
  // A merchant whose balance is too low cannot bear it: then it is written off.
  for (const action of [wanted, "write_off"] as const) {
    const body = { action, reason: "Looked into.", ...merchant };
    const { approval } = await maker.post(`/reconciliation/cases/${case_id}/propose`, body);
    const answer = await checker.call("POST", `/approvals/${approval}/approve`, {});
    if (answer.status < 300) {
      Object.assign(finding, { action, shop: nobodys ? undefined : owner });
      return;
    }
    if (answer.body.error.code !== "reconciliation.balance_too_low") throw new Error(answer.text);
    await checker.post(`/approvals/${approval}/reject`, { comment: "The balance is too low." });
  }
}
