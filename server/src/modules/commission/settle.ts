/**
 * Settles an agent's month. Two books are two transactions: each merchant's book gives its part, once, and when all have
 * given, the agent's book takes their sum, once. Whoever goes on where another died finds on disk what is done.
 */
import { invariant } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import {
  accountOf,
  commissionReceivedPosting,
  commissionSettledPosting,
  findNumberAt,
  lockBalance,
  type NewPosting,
  post,
} from "../../ledger/index.ts";
import { findStops } from "../account-operation/index.ts";
import { readChanges } from "./read-changes.ts";
import type { CommissionServices } from "./services.ts";
import {
  addToLines,
  type CommissionLine,
  type CommissionPart,
  type CommissionSettlement,
  divide,
  totalOf,
} from "./settlement.ts";
import {
  finishSettlement,
  insertLines,
  insertPart,
  loadEarlierOpen,
  loadLastPart,
  loadSettlement,
  lockSettlement,
  sumParts,
} from "./store.ts";

/** Books that give their parts at the same time. */
const PARTS_AT_ONCE = 4;

/** Finishes a settlement, and before it those of earlier months that are not finished. */
export async function settle(services: CommissionServices, key: { merchant_id: string; id: string }): Promise<void> {
  const settlement = await loadSettlement(services.db, key);
  if (!settlement || settlement.status === "settled") return;
  for (const earlier of await loadEarlierOpen(services.db, settlement)) await settleOne(services, earlier);
  await settleOne(services, settlement);
}

async function settleOne(services: CommissionServices, settlement: CommissionSettlement): Promise<void> {
  const given = new Set((await sumParts(services.db, settlement.id)).merchants);
  const waiting = settlement.members.filter((merchant_id) => !given.has(merchant_id));
  for (let from = 0; from < waiting.length; from += PARTS_AT_ONCE) {
    const some = waiting.slice(from, from + PARTS_AT_ONCE);
    await Promise.all(some.map((merchant_id) => givePart(services, settlement, merchant_id)));
  }
  await takeParts(services, settlement);
}

/** Adds up outside any transaction what the range never changes again, and gives it in one. */
async function givePart(
  { db, clock, ids }: CommissionServices,
  settlement: CommissionSettlement,
  merchant_id: string,
): Promise<void> {
  const { livemode, currency, ends_at, merchant_id: agent_id } = settlement;
  const of = { merchant_id, agent_id, livemode, currency };
  const first_number = ((await loadLastPart(db, of))?.last_number ?? 0n) + 1n;
  const reached = await findNumberAt(db, of, ends_at - 1);
  const last_number = reached < first_number ? first_number - 1n : reached;
  const lines = new Map<string, CommissionLine>();
  if (last_number >= first_number) {
    for await (const changes of readChanges(db, { ...of, first_number, last_number })) addToLines(lines, changes);
  }
  const amount = totalOf(lines.values());
  const range = { first_number, last_number, ends_at, amount, created_at: clock.now() };
  const part = { ...of, ...range, id: ids.uuid(), settlement_id: settlement.id };
  await db.transaction((tx) => writePart(tx, part, [...lines.values()]));
}

async function writePart(tx: Transaction, part: CommissionPart, lines: readonly CommissionLine[]): Promise<void> {
  // Another worker that was as fast has given the same.
  if (!(await insertPart(tx, part))) return;
  await insertLines(tx, part, lines);
  if (part.amount === 0n) return;
  const { merchant_id, livemode, id: part_id, agent_id, currency, created_at: occurred_at } = part;
  const amount = { amount: part.amount, currency };
  const head = { merchant_id, livemode, part_id, agent_id, occurred_at };
  await postNew(tx, commissionSettledPosting({ ...head, amount }), occurred_at);
}

async function takeParts({ db, clock }: CommissionServices, { merchant_id, id }: CommissionSettlement): Promise<void> {
  await db.transaction(async (tx) => {
    const settlement = await lockSettlement(tx, { merchant_id, id });
    if (settlement.status === "settled") return;
    const { count, total } = await sumParts(tx, id);
    invariant(count === BigInt(settlement.members.length), "a settlement of commission is finished with all its parts");
    const { livemode, currency } = settlement;
    const book = { merchant_id, livemode };
    const stops = await findStops(tx, [{ ...book, currency }], "credit");
    const brought_forward = await lockBalance(tx, book, accountOf("commission_payable", currency, merchant_id));
    const { amount, carried_forward } = divide(brought_forward + total, stops.size > 0);
    const now = clock.now();
    if (total !== 0n || amount !== 0n) {
      const figures = { total: { amount: total, currency }, brought_forward, carried_forward };
      await postNew(tx, commissionReceivedPosting({ ...book, ...figures, settlement_id: id, occurred_at: now }), now);
    }
    const moved = await finishSettlement(tx, settlement, { total, brought_forward, carried_forward, amount }, now);
    invariant(moved, "a settlement of commission changed under its lock");
  });
}

async function postNew(tx: Transaction, posting: NewPosting, now: number): Promise<void> {
  const [result] = await post(tx, [posting], now);
  invariant(result?.kind === "posted", "a new settlement of commission is posted once");
}
