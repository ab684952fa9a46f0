/**
 * Statements of a person about a transfer, as notices: JSON signed by Standard Webhooks 1.0 (`webhook-id`,
 * `webhook-timestamp`, `webhook-signature: v1,…`) with the account's own key, so that any of its libraries writes them.
 */
import { createHmac, type KeyObject } from "node:crypto";
import Type from "typebox";
import { Value } from "typebox/value";
import { toRfc3339 } from "../../kit/clock.ts";
import { equalSecrets } from "../../kit/crypto.ts";
import { fromDecimal, type Money, toDecimal } from "../../kit/money.ts";
import { randomToken } from "../../kit/random.ts";
import type {
  ChannelContext,
  ChannelRefund,
  NoticeReply,
  NoticeResult,
  Statement,
  Statements,
  WireNotice,
} from "../contract.ts";
import { type BankTransferConfig, openStatementKey } from "./config.ts";
import { readOrderNo } from "./reference.ts";

const SKEW_S = 300;
const ID_LENGTH = 24;
const OurNumber = Type.String({ pattern: "^[0-9A-Z]{26}$" });
const BankReference = Type.String({ minLength: 1, maxLength: 64, pattern: "\\S" });

const shared = {
  /** The bank account itself: a statement is about one account only. */
  account_number: Type.String(),
  serial_no: OurNumber,
  /** In major units, as on the bank's statement. */
  amount: Type.String({ maxLength: 32 }),
  currency: Type.String({ maxLength: 3 }),
  /** When the bank booked it, RFC 3339. */
  at: Type.String({ maxLength: 40 }),
};

const Body = Type.Union([
  Type.Object({ type: Type.Literal("transfer.received"), ...shared, bank_reference: BankReference }),
  Type.Object({
    type: Type.Literal("refund.sent"),
    ...shared,
    refund_no: OurNumber,
    bank_reference: BankReference,
  }),
  Type.Object({
    type: Type.Literal("refund.failed"),
    ...shared,
    refund_no: OurNumber,
    reason: Type.String({ minLength: 1, maxLength: 256 }),
  }),
]);
type StatementBody = Type.Static<typeof Body>;

export const statements: Statements = {
  readOrderNo,
  write({ account, clock, random }, statement) {
    const id = `msg_${randomToken(random, ID_LENGTH)}`;
    const timestamp = String(Math.floor(clock.now() / 1000));
    const body = JSON.stringify(bodyOf(statement, account.config as BankTransferConfig));
    const signature = signatureOf(openStatementKey(account).key, `${id}.${timestamp}.${body}`);
    const headers = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
    return { headers, body: Buffer.from(body) };
  },
};

function signatureOf(key: KeyObject, content: string | Buffer): string {
  return `v1,${createHmac("sha256", key).update(content).digest("base64")}`;
}

function bodyOf(statement: Statement, { account_number }: BankTransferConfig): StatementBody {
  const { serial_no, amount, at } = statement;
  const facts = { account_number, serial_no, amount: toDecimal(amount), currency: amount.currency, at: toRfc3339(at) };
  switch (statement.kind) {
    case "received":
      return { type: "transfer.received", ...facts, bank_reference: statement.channel_trade_no };
    case "refund_sent":
      return {
        type: "refund.sent",
        ...facts,
        refund_no: statement.refund_no,
        bank_reference: statement.channel_refund_no,
      };
    case "refund_failed":
      return { type: "refund.failed", ...facts, refund_no: statement.refund_no, reason: statement.reason };
  }
}

/** Reads a statement. Never throws; what is not signed with the account's key, or not now, is rejected. */
export async function readNotice(context: ChannelContext, notice: WireNotice): Promise<NoticeResult> {
  try {
    const problem = findProblem(context, notice);
    return problem ? { kind: "rejected", detail: problem } : readBody(notice.body, context.clock.now());
  } catch (error) {
    return { kind: "rejected", detail: error instanceof Error ? error.message : String(error) };
  }
}

function findProblem({ account, clock }: ChannelContext, { headers, body }: WireNotice): string | undefined {
  const { "webhook-id": id, "webhook-timestamp": timestamp = "", "webhook-signature": signatures = "" } = headers;
  if (!id || !/^\d{1,12}$/.test(timestamp)) return "the headers of a signed statement are missing";
  const age_s = clock.now() / 1000 - Number(timestamp);
  if (Math.abs(age_s) > SKEW_S) return "the statement was not signed within the last five minutes";
  const content = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  const expected = signatureOf(openStatementKey(account).key, content);
  return signatures.split(" ").some((given) => equalSecrets(given, expected)) ? undefined : "the signature is not good";
}

/** Banks book by days, of their own time zone: what is ahead of us by less than one was booked now. */
const AHEAD_MS_MAX = 86_400_000;

function readBody(bytes: Buffer, now: number): NoticeResult {
  const body: unknown = JSON.parse(bytes.toString("utf8"));
  if (!Value.Check(Body, body))
    return { kind: "rejected", detail: "the statement has fields that are wrong or missing" };
  const at = Date.parse(body.at);
  if (Number.isNaN(at)) return { kind: "rejected", detail: "at is not an instant of RFC 3339" };
  if (at > now + AHEAD_MS_MAX) return { kind: "rejected", detail: "at has not come yet" };
  const amount = fromDecimal(body.amount, body.currency);
  return resultOf(body, amount, Math.min(at, now));
}

function resultOf(body: StatementBody, amount: Money, at: number): NoticeResult {
  const { serial_no, account_number } = body;
  if (body.type === "transfer.received") {
    const channel_trade_no = body.bank_reference.trim();
    const echo = { serial_no, amount, merchant: account_number, app: undefined };
    return { kind: "payment_succeeded", payment: { ...echo, channel_trade_no, paid_at: at, payer: undefined } };
  }
  const channel_refund_no = body.type === "refund.sent" ? body.bank_reference.trim() : undefined;
  const refund: ChannelRefund = { refund_no: body.refund_no, serial_no, channel_refund_no, amount, refunded_at: at };
  if (body.type === "refund.sent") return { kind: "refund", refund, outcome: { kind: "succeeded", refund } };
  return { kind: "refund", refund, outcome: { kind: "failed", failure: { code: "NOT_SENT", message: body.reason } } };
}

/** For a program that posts statements: 204 once it is booked, 409 when it was refused (the log says why). */
export function replyToNotice(accepted: boolean): NoticeReply {
  return { status: accepted ? 204 : 409, headers: {}, body: "" };
}
