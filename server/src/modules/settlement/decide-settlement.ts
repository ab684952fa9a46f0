/** Batches above the limit wait for a person: made without a posting, posted when approved, and given up when rejected. */
import { invariant } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { accountOf, lockBalance } from "../../ledger/index.ts";
import type { Approval, ApprovalHandler } from "../approval/index.ts";
import { settlementErrors } from "./errors.ts";
import type { SettlementServices } from "./services.ts";
import { planRuns } from "./settings.ts";
import { announce, postSettlements, type Settling } from "./settle-group.ts";
import { least, type Settlement } from "./settlement.ts";
import { loadSettlement, lockSettings, saveDecision, scheduleRuns } from "./store.ts";

/** Carries out what was decided on settlements. */
export function settlementApprovalHandler(services: SettlementServices): ApprovalHandler {
  return {
    async approve(tx, approval, afterCommit) {
      await approve(services, tx, approval);
      afterCommit(services.kick.webhooks);
    },
    async reject(tx, approval) {
      await reject(services, tx, approval);
    },
  };
}

/** Posts what is still pending of it, and never more than was looked at. */
async function approve(services: Settling, tx: Transaction, approval: Approval): Promise<void> {
  const made = await takeUp(tx, approval);
  const pending = await lockBalance(tx, made, accountOf("merchant_pending", made.currency));
  const amount = least(pending, made.amount);
  if (amount <= 0n) throw settlementErrors["settlement.nothing_left"]();
  const carried_forward = made.carried_forward + made.amount - amount;
  const decided = { ...made, status: "posted", amount, carried_forward, decided_at: services.clock.now() } as const;
  const [posted] = await postSettlements(services, tx, [decided]);
  invariant(posted && (await saveDecision(tx, posted)), "a settlement in review is decided once");
  await announce(services, tx, [posted]);
  await takeUpRuns(tx, made);
}

/** Its range goes to the next batch. */
async function reject(services: Settling, tx: Transaction, approval: Approval): Promise<void> {
  const settlement = await takeUp(tx, approval);
  const rejected = { ...settlement, status: "rejected", decided_at: services.clock.now() } as const;
  invariant(await saveDecision(tx, rejected), "a settlement in review is decided once");
  await takeUpRuns(tx, settlement);
}

/** The settlement under the lock of its settings. */
async function takeUp(tx: Transaction, { merchant_id, subject_id }: Approval): Promise<Settlement> {
  const find = () => loadSettlement(tx, merchant_id ?? "", subject_id ?? "");
  const found = await find();
  invariant(found, "a review is of a settlement");
  await lockSettings(tx, [found]);
  const settlement = await find();
  invariant(settlement?.status === "in_review", "what is decided is in review");
  return settlement;
}

/** Runs that have waited are due again, each with its own cut-off. */
async function takeUpRuns(tx: Transaction, { merchant_id, livemode, currency }: Settlement): Promise<void> {
  const key = { merchant_id, livemode, currency };
  const [settings] = await lockSettings(tx, [key]);
  if (!settings || settings.next_day === null) return;
  const [plan] = await planRuns(tx, [settings]);
  const due = plan?.due;
  await scheduleRuns(tx, [{ ...key, next_day: due?.run.day ?? null, due_at: due?.times.at ?? null }]);
}
