/** Begins an agent's settlement of a month that is over: writes down what is to be collected, and plans the next month. */
import { listOwedCommission, type OwedCommission } from "../../ledger/index.ts";
import { endOfMonth, lockAgents, monthAfter, scheduleMonth, settlingTime } from "../agent/index.ts";
import { getMerchant } from "../merchant/index.ts";
import type { CommissionServices } from "./services.ts";
import { insertSettlement } from "./store.ts";

/**
 * Does nothing but planning when the month is not over. A month that an outage has left out is begun like every other, so
 * each follows the one before.
 * @returns the month that was begun.
 */
export async function beginMonth(services: CommissionServices, agent_id: string): Promise<string | undefined> {
  const { db, clock, ids } = services;
  return db.transaction(async (tx) => {
    const [agent] = await lockAgents(tx, [agent_id]);
    if (!agent) return undefined;
    const { time_zone } = await getMerchant(tx, agent_id);
    const month = agent.next_month;
    const now = clock.now();
    if (settlingTime(month, time_zone) > now) {
      await scheduleMonth(tx, agent_id, month, settlingTime(month, time_zone));
      return undefined;
    }
    const ends_at = endOfMonth(month, time_zone);
    for (const owed of groupByBook(await listOwedCommission(tx, agent_id))) {
      const { livemode, currency } = owed[0]!;
      const members = owed.map(({ merchant_id }) => merchant_id).filter((id) => id !== agent_id);
      const key = { merchant_id: agent_id, livemode, currency };
      await insertSettlement(tx, { ...key, id: ids.uuid(), month, ends_at, members, created_at: now });
    }
    const following = monthAfter(month);
    await scheduleMonth(tx, agent_id, following, settlingTime(following, time_zone));
    return month;
  });
}

/** One settlement for each mode and currency, whichever books owe in it. */
function groupByBook(owed: readonly OwedCommission[]): OwedCommission[][] {
  return [...Map.groupBy(owed, ({ livemode, currency }) => `${livemode} ${currency}`).values()];
}
