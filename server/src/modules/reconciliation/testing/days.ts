/** Days of traffic for tests: payments and refunds as rows and postings, and the bills that a channel would make of them. */
import type { BillBatch, BillLine } from "../../../channels/contract.ts";
import { createManualClock, toRfc3339 } from "../../../kit/clock.ts";
import { createIdSource, encodeUuid } from "../../../kit/id.ts";
import { dayOf, localDay } from "../../../kit/local-day.ts";
import { createLogger } from "../../../kit/log.ts";
import { systemRandom } from "../../../kit/random.ts";
import {
  type BookedRefund,
  getBalances,
  type NewPosting,
  type PaidAttempt,
  paymentPosting,
  post,
  refundInitiatedPosting,
  refundSucceededPosting,
  verify,
} from "../../../ledger/index.ts";
import {
  insertPayment,
  insertRefund,
  openTestBooks,
  paid,
  refundOf,
  run,
  type TestBooks,
} from "../../../ledger/testing/books.ts";
import { registerApprovalHandlers } from "../../approval/index.ts";
import { createMerchant } from "../../merchant/index.ts";
import { createUser } from "../../user/index.ts";
import { CASE_APPROVAL, caseApprovalHandler } from "../cases.ts";
import { CLOSE_APPROVAL, closeApprovalHandler } from "../close-day.ts";
import { listDifferences } from "../difference-store.ts";
import { loadBill } from "../load-bill.ts";
import { matchDay } from "../match-day.ts";
import type { DayKey, Difference, Rules } from "../reconciliation.ts";
import { changeRules } from "../rules.ts";
import type { Asked, ReconciliationServices } from "../services.ts";

export const DAY_MS = 86_400_000;
const ZONE = "Asia/Shanghai";

/** A world of its own: a database, an account, its merchants. */
export interface World {
  readonly books: TestBooks;
  readonly services: ReconciliationServices;
  readonly clock: ReturnType<typeof createManualClock>;
  /** What the channel says when it is asked; by id of the attempt or refund. */
  readonly answers: Map<string, () => Promise<Asked | undefined>>;
  close(): Promise<void>;
}

/** What these tests never touch. */
const unusable = {} as never;

export async function openWorld(): Promise<World> {
  const books = await openTestBooks();
  const clock = createManualClock(Date.UTC(2026, 10, 20, 4));
  const ids = createIdSource(clock, systemRandom);
  const answers: World["answers"] = new Map();
  const ask = async ({ id }: { id: string }) => answers.get(id)?.();
  const services: ReconciliationServices = {
    ...{ db: books.db, clock, ids, log: createLogger("silent"), getChannel: () => undefined },
    ...{ channels: unusable, accounts: unusable, storage: unusable },
    ...{ askAttempt: ask, askRefund: ask, kick: { webhooks() {} } },
    approval: { db: books.db, clock, ids, log: createLogger("silent"), handlers: new Map() },
  };
  return { books, services, clock, answers, close: () => books.close() };
}

/** A pooled account, or a merchant's own. */
export async function openAccount(
  { books, services, clock }: World,
  change: Partial<Rules> = {},
  owner: string | null = null,
): Promise<string> {
  const id = services.ids.uuid();
  await run(
    books.db,
    `insert into channel_accounts (id, owner_merchant_id, channel, name, funding_mode, livemode, methods, config,
       secrets_sealed, created_at)
     values ($1, $2, 'wechat', 'test', $3, true, '{wechat.native}', '{}', '', $4::timestamptz)`,
    [id, owner, owner === null ? "pooled" : "direct", toRfc3339(clock.now())],
  );
  await changeRules(services, id, { first_day: localDay(clock.now(), ZONE), ...change });
  return id;
}

export async function openMerchant({ books, services }: World): Promise<string> {
  return (await createMerchant({ ...services, sql: books.db }, { name: "茶馆", time_zone: ZONE })).id;
}

async function write({ books, clock }: World, postings: readonly NewPosting[]): Promise<void> {
  await books.db.transaction((tx) => post(tx, postings, clock.now()));
}

export interface Paid {
  readonly payment_id: string;
  readonly attempt: PaidAttempt;
}

/** A succeeded payment, booked now, that the channel says was paid at `occurred_at`. */
export async function pay(world: World, facts: Partial<PaidAttempt>): Promise<Paid> {
  const attempt = paid({ attempt_id: world.services.ids.uuid(), occurred_at: world.clock.now(), ...facts });
  const payment_id = await insertPayment(world.books.db, attempt);
  await write(world, [paymentPosting(attempt)]);
  return { payment_id, attempt };
}

/** An attempt that we do not have as paid. */
export async function attempt(world: World, facts: Partial<PaidAttempt>, status: "closed" | "unknown"): Promise<Paid> {
  const one = paid({ attempt_id: world.services.ids.uuid(), occurred_at: world.clock.now(), ...facts });
  const payment_id = await insertPayment(world.books.db, one);
  const ended = status === "closed" ? "closed" : "processing";
  await run(world.books.db, "update payments set status = $2, succeeded_attempt_id = null where id = $1", [
    payment_id,
    ended,
  ]);
  await run(world.books.db, "update attempts set status = $2 where id = $1", [one.attempt_id, status]);
  return { payment_id, attempt: one };
}

/** The payment of `attempt` succeeds after all. */
export async function succeed(world: World, { payment_id, attempt }: Paid): Promise<void> {
  await run(world.books.db, "update attempts set status = 'succeeded' where id = $1", [attempt.attempt_id]);
  const won = "update payments set status = 'succeeded', succeeded_attempt_id = $2 where id = $1";
  await run(world.books.db, won, [payment_id, attempt.attempt_id]);
  await write(world, [paymentPosting(attempt)]);
}

/** A refund of a payment: as far as `status` says. */
export async function refund(
  world: World,
  { payment_id, attempt }: Paid,
  facts: Partial<BookedRefund> = {},
  status: "succeeded" | "sent" = "succeeded",
): Promise<BookedRefund> {
  const { ids, clock } = { ...world.services, clock: world.clock };
  const refund = refundOf(attempt, { refund_id: ids.uuid(), occurred_at: clock.now(), ...facts });
  await insertRefund(world.books.db, payment_id, attempt, refund, status);
  const column = status === "succeeded" ? "refunded_amount" : "refunding_amount";
  await run(world.books.db, `update payments set ${column} = ${column} + $2 where id = $1`, [
    payment_id,
    refund.amount.amount,
  ]);
  await write(world, [
    refundInitiatedPosting(refund),
    ...(status === "succeeded" ? [refundSucceededPosting(refund)] : []),
  ]);
  return refund;
}

/** The result of a refund that was `sent` comes. */
export async function finishRefund(world: World, { payment_id }: Paid, refund: BookedRefund): Promise<void> {
  const { amount } = refund.amount;
  await run(world.books.db, "update refunds set status = 'succeeded' where id = $1", [refund.refund_id]);
  const moved =
    "update payments set refunding_amount = refunding_amount - $2, refunded_amount = refunded_amount + $2 where id = $1";
  await run(world.books.db, moved, [payment_id, amount]);
  await write(world, [refundSucceededPosting(refund)]);
}

const plain: Omit<BillLine, "line_no" | "entry" | "amount" | "fee" | "occurred_at" | "currency"> = {
  ...{ our_no: null, original_our_no: null, channel_trade_no: null, channel_refund_no: null, merchant_no: null },
  ...{ status: "succeeded", balance_after: null, note: null },
};

/** The line that a channel has of a payment. */
export function lineOf(
  { attempt: { attempt_id, amount, cost, occurred_at } }: Paid,
  change: Partial<BillLine> = {},
): BillLine {
  return {
    ...{
      ...plain,
      line_no: 1,
      entry: "payment",
      our_no: encodeUuid(attempt_id),
      channel_trade_no: `4200${attempt_id}`,
    },
    ...{ amount: amount.amount, currency: amount.currency, fee: cost, occurred_at, ...change },
  };
}

/** The line that a channel has of a refund. */
export function refundLineOf({ attempt }: Paid, refund: BookedRefund, change: Partial<BillLine> = {}): BillLine {
  return {
    ...{ ...plain, line_no: 1, entry: "refund", our_no: encodeUuid(refund.refund_id) },
    ...{ original_our_no: encodeUuid(attempt.attempt_id), channel_trade_no: `4200${attempt.attempt_id}` },
    ...{
      channel_refund_no: `5000${refund.refund_id}`,
      amount: -refund.amount.amount,
      currency: refund.amount.currency,
    },
    ...{ fee: -refund.cost, occurred_at: refund.occurred_at, ...change },
  };
}

async function* batchesOf(lines: readonly BillLine[]): AsyncGenerator<BillBatch> {
  const numbered = lines.map((line, index) => ({ ...line, line_no: index + 1 }));
  for (let at = 0; at < numbered.length; at += 4_096)
    yield { file_no: 1, lines: numbered.slice(at, at + 4_096), rejected: [] };
}

let files = 0;

/** Loads a trade bill of these lines, as a file that was never seen before. */
export function loadLines({ services }: Pick<World, "services">, key: DayKey, lines: readonly BillLine[]) {
  files += 1;
  return loadBill(services, {
    ...{ ...key, kind: "trade", source: "uploaded", uploaded_by: null, files: [] },
    ...{ sha256: Buffer.from(String(files)), batches: batchesOf(lines) },
  });
}

export async function match(world: World, key: DayKey) {
  const { db, clock, getChannel } = world.services;
  const rules = await changeRules({ db, clock, getChannel }, key.channel_account_id, {});
  return matchDay(world.services, key, rules);
}

/** What a difference is, as far as tests say so. */
export async function differences(world: World, key: DayKey): Promise<string[]> {
  const found = await listDifferences(world.services.db, key, null, 100_000);
  return found.map(shown).sort();
}

function shown({ type, state, resolution, our_id, our_no, channel_trade_no }: Difference): string {
  const number = our_id === null ? (our_no ?? channel_trade_no ?? "") : encodeUuid(our_id);
  return [type, resolution ?? state, number].join(" ");
}

export const numberOf = (id: string) => encodeUuid(id);

/** The day to which the world's clock points, at noon. */
export function today(world: World): string {
  return localDay(world.clock.now(), ZONE);
}

/** An instant of a day: so many milliseconds after its beginning. */
export function at(day: string, offset_ms: number): number {
  return dayOf(day, ZONE)!.from + offset_ms;
}

export async function bookFindings(world: World): Promise<unknown> {
  return (await verify(world.books.db)).differences;
}

/** An operator's id. */
export async function openOperator({ services }: World, name: string): Promise<string> {
  const input = { email: `${name}@example.com`, name, role: "operator", merchant_id: null } as const;
  const made = await createUser(
    { sql: services.db, clock: services.clock, ids: services.ids, random: systemRandom },
    input,
  );
  return made.user.id;
}

/** What a merchant's book holds, by account, of one channel account if it is given; accounts at zero are left out. */
export async function balancesOf(
  { services }: World,
  merchant_id: string,
  channel_account_id?: string,
): Promise<Record<string, bigint>> {
  const all = await getBalances(services.db, { merchant_id, livemode: true });
  const found = all.filter(({ balance, kind, scope }) => {
    const elsewhere = kind === "channel_receivable" && channel_account_id !== undefined && scope !== channel_account_id;
    return balance !== 0n && !elsewhere;
  });
  return Object.fromEntries(found.map(({ kind, balance }) => [kind, balance]));
}

/** Opens everything that can be asked for and decided. */
export function registerHandlers({ services }: World): void {
  registerApprovalHandlers(services.approval, {
    [CASE_APPROVAL]: caseApprovalHandler(services),
    [CLOSE_APPROVAL]: closeApprovalHandler(services),
  });
}
