// Guarantee: what was decided of a difference holds as long as it is that difference; when another bill changes or ends it,
// what was booked is taken back, once. A pair of two days that does not agree is one difference, and one case.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { addDays } from "../../kit/local-day.ts";
import { decideApproval } from "../approval/index.ts";
import { listCases } from "./case-store.ts";
import { proposeAction } from "./cases.ts";
import { createReconciliationWorker } from "./jobs.ts";
import type { DayKey } from "./reconciliation.ts";
import { changeRules } from "./rules.ts";
import { loadDay } from "./store.ts";
import {
  balancesOf,
  bookFindings,
  DAY_MS,
  lineOf,
  loadLines,
  openAccount,
  openMerchant,
  openOperator,
  openWorld,
  pay,
  registerHandlers,
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

test("a decided difference that another bill changes is open again, and what was decided of it is taken back", async () => {
  const paid = await payOne();
  await loadLines(world, key, [lineOf(paid, { amount: 9_000n })]);
  await work();
  const [found] = await cases();
  const asked = await proposeAction(world.services, {
    ...{ case_id: found!.id, action: "write_off", reason: "Lost.", maker_id: maker },
  });
  // An earlier open day keeps this one open.
  await changeRules(world.services, channel_account_id, { first_day: addDays(key.day, -1) });
  await decide(asked.approval_id);
  expect(await balancesOf(world, merchant_id)).toMatchObject({ reconciliation_loss: 1_000n });
  await loadLines(world, key, [lineOf(paid, { amount: 8_000n })]);
  await work();
  const changed = await balancesOf(world, merchant_id);
  expect([changed.reconciliation_loss, changed.reconciliation_suspense]).toEqual([undefined, 2_000n]);
  expect((await cases()).filter(({ state }) => state === "open")).toMatchObject([{ type: "amount", at_risk: 2_000n }]);
  await loadLines(world, key, [lineOf(paid)]);
  await changeRules(world.services, channel_account_id, { first_day: key.day });
  await work();
  expect(await state()).toBe("closed");
  const balances = await balancesOf(world, merchant_id);
  expect([balances.reconciliation_loss, balances.reconciliation_suspense, balances.channel_receivable]).toEqual([
    ...[undefined, undefined, undefined],
  ]);
  expect(await bookFindings(world)).toEqual([]);
});

test("a decided difference that another bill does not have any more is taken back", async () => {
  const paid = await payOne();
  await loadLines(world, key, []);
  await work();
  const [found] = await cases();
  const asked = await proposeAction(world.services, {
    ...{ case_id: found!.id, action: "write_off", reason: "Lost.", maker_id: maker },
  });
  await changeRules(world.services, channel_account_id, { first_day: addDays(key.day, -1) });
  await decide(asked.approval_id);
  await loadLines(world, key, [lineOf(paid)]);
  await changeRules(world.services, channel_account_id, { first_day: key.day });
  await work();
  expect(await state()).toBe("closed");
  const balances = await balancesOf(world, merchant_id);
  expect([balances.reconciliation_loss, balances.channel_receivable, balances.bank]).toEqual([
    ...[undefined, undefined, 9_962n],
  ]);
  expect(await bookFindings(world)).toEqual([]);
});

test("what came a day later with another amount is one case, of the difference only, and is decided once", async () => {
  const paid = await payOne();
  await loadLines(world, key, []);
  world.clock.advance(DAY_MS);
  await loadLines(world, next, [lineOf(paid, { amount: 9_000n })]);
  await work();
  // Matched first, our day may have had a case of its own, which is gone.
  const open = async () => (await cases()).filter(({ outcome }) => outcome !== "gone");
  expect(await open()).toMatchObject([{ type: "amount", state: "open", at_risk: 1_000n }]);
  expect(await balancesOf(world, merchant_id)).toMatchObject({ reconciliation_suspense: 1_000n });
  const [found] = await open();
  const asked = await proposeAction(world.services, {
    ...{ case_id: found!.id, action: "write_off", reason: "Lost.", maker_id: maker },
  });
  await decide(asked.approval_id);
  await work();
  expect([await state(), await state(next)]).toEqual(["closed", "closed"]);
  expect(await open()).toMatchObject([{ outcome: "decided" }]);
  const balances = await balancesOf(world, merchant_id);
  expect([balances.reconciliation_loss, balances.reconciliation_suspense, balances.channel_receivable]).toEqual([
    ...[1_000n, undefined, undefined],
  ]);
  expect(await bookFindings(world)).toEqual([]);
});
