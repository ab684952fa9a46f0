// Guarantee: a day closes by itself when all is explained, and then the channel owes nothing of it; what the channel confirms
// is healed; what nobody mends is a case, in suspense, decided by two people; nothing else closes a day over an open case;
// a closed day never changes, and what comes later is of the next.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { run } from "../../ledger/testing/books.ts";
import { decideApproval } from "../approval/index.ts";
import { listCases, listComments } from "./case-store.ts";
import { assignCase, commentOnCase, proposeAction, reopenCase } from "./cases.ts";
import { proposeClose } from "./close-day.ts";
import { listDifferences } from "./difference-store.ts";
import { createReconciliationWorker } from "./jobs.ts";
import { loadBill } from "./load-bill.ts";
import type { DayKey } from "./reconciliation.ts";
import { loadClosing, loadDay } from "./store.ts";
import {
  attempt,
  balancesOf,
  bookFindings,
  DAY_MS,
  differences,
  finishRefund,
  lineOf,
  loadLines,
  match,
  numberOf,
  openAccount,
  openMerchant,
  openOperator,
  openWorld,
  pay,
  refund,
  refundLineOf,
  registerHandlers,
  succeed,
  today,
  type World,
} from "./testing/days.ts";

let world: World;
let channel_account_id: string;
let merchant_id: string;
let key: DayKey;
let next: DayKey;
let maker: string;
let checker: string;

beforeAll(async () => {
  world = await openWorld();
  registerHandlers(world);
  [maker, checker] = [await openOperator(world, "maker"), await openOperator(world, "checker")];
});
beforeEach(async () => {
  world.clock.advance(3 * DAY_MS);
  channel_account_id = await openAccount(world, { carry_days: 0 });
  merchant_id = await openMerchant(world);
  key = { channel_account_id, day: today(world) };
  next = { channel_account_id, day: new Date(Date.parse(key.day) + DAY_MS).toISOString().slice(0, 10) };
});
afterAll(() => world.close());

const payOne = (more: object = {}) => pay(world, { merchant_id, channel_account_id, ...more });
const work = () => createReconciliationWorker(world.services).drain();
const state = async (of = key) => (await loadDay(world.services.db, of))?.state;
const cases = async () => listCases(world.services.db, { channel_account_id, day: null, all: true, limit: 100 });

async function decide(approval_id: string | null, decision: "approve" | "reject" = "approve"): Promise<void> {
  await decideApproval(world.services.approval, { id: approval_id!, decision, checker_id: checker, comment: "seen" });
}

test("a day on which all agrees closes by itself, and the channel owes nothing more of it", async () => {
  const [first, second] = [await payOne(), await payOne()];
  const back = await refund(world, first);
  await loadLines(world, key, [lineOf(first), lineOf(second, { fee: 39n }), refundLineOf(first, back)]);
  await work();
  expect(await state()).toBe("closed");
  const balances = await balancesOf(world, merchant_id);
  expect(balances.channel_receivable).toBeUndefined();
  expect(balances).toMatchObject({ bank: 9_962n + 9_961n - 5_000n + 19n, channel_cost: 38n + 39n - 19n });
  expect(await bookFindings(world)).toEqual([]);
  const closing = await loadClosing(world.services.db, key);
  expect(closing).toMatchObject({ closed_by: null, reason: null });
  expect(JSON.parse(closing!.statement)).toMatchObject({ day: key.day, totals: { matched: 2 } });
  await expect(run(world.books.db, "update reconciliation_closings set statement = ''")).rejects.toThrow(
    "never changed",
  );
  await expect(loadLines(world, key, [])).rejects.toMatchObject({ code: "reconciliation.day_closed" });
  expect(await match(world, key)).toMatchObject({ state: "closed" });
});

test("what the channel confirms when it is asked is healed, and nothing is believed of the bill alone", async () => {
  const [unknown, closed] = [
    await attempt(world, { merchant_id, channel_account_id }, "unknown"),
    await attempt(world, { merchant_id, channel_account_id }, "closed"),
  ];
  const paid = await payOne();
  const back = await refund(world, paid, {}, "sent");
  world.answers.set(unknown.attempt.attempt_id, async () => {
    await succeed(world, unknown);
    return { status: "succeeded" };
  });
  world.answers.set(closed.attempt.attempt_id, async () => ({ status: "closed" }));
  world.answers.set(back.refund_id, async () => {
    await finishRefund(world, paid, back);
    return { status: "succeeded" };
  });
  await loadLines(world, key, [lineOf(unknown), lineOf(closed), lineOf(paid), refundLineOf(paid, back)]);
  await work();
  expect(await differences(world, key)).toEqual(
    [
      ...[`status healed ${numberOf(unknown.attempt.attempt_id)}`, `refund_missing healed ${numberOf(back.refund_id)}`],
      `status open ${numberOf(closed.attempt.attempt_id)}`,
    ].sort(),
  );
  expect(await state()).toBe("open");
  expect(await cases()).toMatchObject([{ type: "status", at_risk: 10_000n, state: "open" }]);
  expect(await balancesOf(world, merchant_id)).toMatchObject({ reconciliation_suspense: -9_962n });
  expect(await bookFindings(world)).toEqual([]);
});

test("a channel that cannot be asked holds nothing up", async () => {
  const unknown = await attempt(world, { merchant_id, channel_account_id }, "unknown");
  await payOne().then((paid) => {
    world.answers.set(unknown.attempt.attempt_id, () => Promise.reject(new Error("no answer")));
    return loadLines(world, key, [lineOf(unknown), lineOf(paid)]);
  });
  await work();
  expect(await differences(world, key)).toEqual([`status open ${numberOf(unknown.attempt.attempt_id)}`]);
});

test("a case is assigned, commented on, decided by two people, and may be opened again", async () => {
  await payOne();
  await loadLines(world, key, []);
  await work();
  expect(await state()).toBe("open");
  const [found] = await cases();
  expect(found).toMatchObject({ type: "ours_only", at_risk: 10_000n, differences: 1n });
  expect(await balancesOf(world, merchant_id)).toMatchObject({ reconciliation_suspense: 9_962n });
  await assignCase(world.services, found!.id, maker);
  const text = "Asked the channel: a line was left out.";
  await commentOnCase(world.services, {
    case_id: found!.id,
    author: "maker",
    text,
    attachment_key: null,
    attachment_name: null,
  });
  expect(await listComments(world.services.db, found!.id, 10)).toMatchObject([{ text }]);
  const propose = () =>
    proposeAction(world.services, { case_id: found!.id, action: "write_off", reason: "Lost.", maker_id: maker });
  const rejected = await propose();
  expect(rejected).toMatchObject({ state: "proposed", action: "write_off", owner_id: maker });
  await decide(rejected.approval_id, "reject");
  expect(await cases()).toMatchObject([{ state: "open", action: null }]);
  await decide((await propose()).approval_id);
  expect(await cases()).toMatchObject([{ state: "resolved", outcome: "decided" }]);
  const lost = await balancesOf(world, merchant_id);
  expect(lost).toMatchObject({ reconciliation_loss: 9_962n });
  expect(lost.reconciliation_suspense).toBeUndefined();
  await work();
  expect(await state()).toBe("closed");
  expect((await balancesOf(world, merchant_id)).channel_receivable).toBeUndefined();
  expect(await bookFindings(world)).toEqual([]);
  await reopenCase(world.services, found!.id);
  expect(await cases()).toMatchObject([{ state: "open", reopened: 1 }]);
  const again = await balancesOf(world, merchant_id);
  expect(again).toMatchObject({ reconciliation_suspense: 9_962n });
  expect(again.reconciliation_loss).toBeUndefined();
  expect(await bookFindings(world)).toEqual([]);
});

test("money that no book has is given to a merchant", async () => {
  const paid = await payOne();
  await loadLines(world, key, [lineOf(paid), lineOf(paid, { our_no: "WALK-IN", fee: 0n, amount: 5_000n })]);
  await work();
  const [found] = await cases();
  expect(found).toMatchObject({ type: "unknown_number", at_risk: 5_000n });
  const before = (await balancesOf(world, merchant_id)).merchant_pending!;
  const asked = await proposeAction(world.services, {
    ...{ case_id: found!.id, action: "adjust", reason: "It is theirs.", maker_id: maker, merchant_id },
  });
  await decide(asked.approval_id);
  await work();
  const after = await balancesOf(world, merchant_id);
  expect(after.merchant_pending).toBe(before + 5_000n);
  expect(await state()).toBe("closed");
  expect(after.channel_receivable).toBeUndefined();
  expect(await bookFindings(world)).toEqual([]);
});

test("a case whose difference is none any more ends by itself, and its suspense with it", async () => {
  const paid = await payOne();
  await loadLines(world, key, []);
  await work();
  expect(await cases()).toMatchObject([{ state: "open" }]);
  await loadLines(world, key, [lineOf(paid)]);
  await work();
  expect(await cases()).toMatchObject([{ state: "resolved", outcome: "gone" }]);
  expect(await state()).toBe("closed");
  const balances = await balancesOf(world, merchant_id);
  expect([balances.reconciliation_suspense, balances.channel_receivable, balances.bank]).toEqual([
    undefined,
    undefined,
    9_962n,
  ]);
  expect(await bookFindings(world)).toEqual([]);
});

test("two people close a day over an open case, and say why; a new bill takes that back", async () => {
  const paid = await payOne();
  await loadLines(world, key, []);
  await work();
  await expect(
    proposeClose(world.services, next, { maker_id: maker, reason: "The channel is asked." }),
  ).rejects.toMatchObject({ code: "reconciliation.cannot_close" });
  const approval_id = await proposeClose(world.services, key, { maker_id: maker, reason: "The channel is asked." });
  await loadLines(world, key, [lineOf(paid, { amount: 9_000n })]);
  await expect(decide(approval_id)).rejects.toMatchObject({ code: "reconciliation.cannot_close" });
  await work();
  expect(await state()).toBe("open");
  await decide(approval_id);
  await work();
  expect(await state()).toBe("closed");
  const closing = await loadClosing(world.services.db, key);
  expect(closing).toMatchObject({ closed_by: maker, approved_by: checker, reason: "The channel is asked." });
  const ended = (await cases()).map(({ type, state }) => `${type} ${state}`);
  expect(ended.sort()).toEqual(["amount open", "ours_only resolved"]);
  expect(await bookFindings(world)).toEqual([]);
});

test("days close one after the other, and what is booked late is of the first that is open", async () => {
  const first = await payOne();
  world.clock.advance(DAY_MS);
  const second = await payOne();
  await loadLines(world, next, [lineOf(second)]);
  await loadLines(world, key, [lineOf(first), lineOf(first, { our_no: "X" })]);
  await work();
  expect([await state(), await state(next)]).toEqual(["open", "matched"]);
  await loadLines(world, key, [lineOf(first)]);
  await work();
  expect([await state(), await state(next)]).toEqual(["closed", "closed"]);
  const third = { ...key, day: new Date(Date.parse(key.day) + 2 * DAY_MS).toISOString().slice(0, 10) };
  world.clock.advance(DAY_MS);
  const late = await payOne({ occurred_at: world.clock.now() - 2 * DAY_MS });
  const own = await payOne();
  await loadLines(world, third, [lineOf(own)]);
  await work();
  expect(await differences(world, third)).toEqual([`ours_only open ${numberOf(late.attempt.attempt_id)}`]);
  expect(await bookFindings(world)).toEqual([]);
});

test("the merchant whose account it is hears of cases and closings", async () => {
  channel_account_id = await openAccount(world, { carry_days: 0 }, merchant_id);
  key = { ...key, channel_account_id };
  const { db, ids } = world.services;
  await run(
    db,
    "insert into apps (merchant_id, id, name, webhook_secret_sealed, created_at) values ($1, $2, 'a', '', now())",
    [merchant_id, ids.uuid()],
  );
  const paid = await payOne({ funding_mode: "direct" });
  await loadLines(world, key, []);
  await work();
  await loadLines(world, key, [lineOf(paid)]);
  await work();
  const told = await run<{ type: string }>(db, "select type from events where merchant_id = $1 order by id", [
    merchant_id,
  ]);
  expect(told.map(({ type }) => type).sort()).toEqual(["reconciliation.case_opened", "reconciliation.day_closed"]);
  const balances = await balancesOf(world, merchant_id);
  expect([balances.bank, balances.reconciliation_suspense]).toEqual([undefined, undefined]);
});

test("very many differences of a type are one case", async () => {
  const paid = await payOne();
  const lines = Array.from({ length: 101 }, (_, index) => lineOf(paid, { our_no: `N${index}`, amount: 1n }));
  await loadLines(world, key, [lineOf(paid), ...lines]);
  await work();
  expect(await cases()).toMatchObject([{ type: "unknown_number", differences: 101n, at_risk: 101n }]);
  const found = await listDifferences(world.services.db, key, "open", 1_000);
  expect(new Set(found.map(({ case_id }) => case_id)).size).toBe(1);
});

test("any number of workers do a day once", async () => {
  const paid = await payOne();
  await loadLines(world, key, [lineOf(paid)]);
  const workers = [1, 2, 3].map(() => createReconciliationWorker(world.services));
  const again = run(world.books.db, "update reconciliation_days set due_at = now() where state = 'loaded'");
  await Promise.all([again, ...workers.map((worker) => worker.drain())]);
  await Promise.all([match(world, key), match(world, key), work()]);
  expect(await balancesOf(world, merchant_id)).toMatchObject({ bank: 9_962n });
  expect(await bookFindings(world)).toEqual([]);
});

test("verification finds a posting that is not what its row says", async () => {
  const paid = await payOne();
  await loadLines(world, key, [lineOf(paid)]);
  await work();
  const change = (amount: bigint) =>
    run(world.books.db, "update reconciliation_postings set amount = $2 where merchant_id = $1", [merchant_id, amount]);
  await change(9_961n);
  const found = (await bookFindings(world)) as { code: string; merchant_id: string }[];
  expect(found.map(({ code, merchant_id: of }) => [code, of])).toEqual([["wrong_posting", merchant_id]]);
  await change(9_962n);
  expect(await bookFindings(world)).toEqual([]);
});

test("of uploads at the same moment the last counts, and a bill that breaks in the middle leaves nothing", async () => {
  const [first, second] = [await payOne(), await payOne()];
  const loads = [1, 2, 3].map(() => loadLines(world, key, [lineOf(first), lineOf(second)]));
  const versions = (await Promise.all(loads)).map(({ bill }) => bill.version);
  expect(versions.sort()).toEqual([1, 2, 3]);
  const lines =
    "select count(*) as count from reconciliation_lines l join reconciliation_bills b on b.number = l.bill where b.channel_account_id = $1";
  expect(await run(world.books.db, lines, [channel_account_id])).toEqual([{ count: 2n }]);
  async function* broken() {
    yield { file_no: 1, lines: [lineOf(first)], rejected: [] };
    throw new Error("the file is cut");
  }
  const bill = { ...key, kind: "trade", source: "uploaded", uploaded_by: null, files: [], sha256: null } as const;
  await expect(loadBill(world.services, { ...bill, batches: broken() })).rejects.toThrow("cut");
  expect(await run(world.books.db, lines, [channel_account_id])).toEqual([{ count: 2n }]);
  // Whoever loaded died before anything was matched: any worker goes on.
  expect(await state()).toBe("loaded");
  await work();
  expect(await state()).toBe("closed");
});

test("a line that could not be read keeps the day open until two people agree: nobody knows what it says", async () => {
  const paid = await payOne();
  async function* batches() {
    yield { file_no: 1, lines: [lineOf(paid)], rejected: [{ line_no: 2, reason: "no amount", text: "refund ?" }] };
  }
  const bill = { ...key, kind: "trade", source: "uploaded", uploaded_by: null, files: [], sha256: null } as const;
  await loadBill(world.services, { ...bill, batches: batches() });
  await work();
  expect(await state()).toBe("matched");
  await decide(await proposeClose(world.services, key, { maker_id: maker, reason: "The channel says it is nothing." }));
  await work();
  expect(await state()).toBe("closed");
});
