import { getAgent } from "../agent/index.ts";
import { beginMonth } from "./begin-month.ts";
import type { CommissionServices } from "./services.ts";
import { settle } from "./settle.ts";
import type { CommissionSettlement } from "./settlement.ts";
import { listSettlements } from "./store.ts";

const OPEN_MAX = 100;

/**
 * Settles now every month of an agent that is over and not settled, as a worker would. Gives the latest settlements.
 * @throws agent.not_found
 */
export async function settleAgent(services: CommissionServices, agent_id: string): Promise<CommissionSettlement[]> {
  await getAgent(services.db, agent_id);
  while ((await beginMonth(services, agent_id)) !== undefined);
  const page = { older_than: null, newer_than: null, order: "desc", fetch: OPEN_MAX } as const;
  const ofModes = () =>
    Promise.all(
      [true, false].map((livemode) =>
        listSettlements(services.db, { merchant_id: agent_id, livemode, month: null, page }),
      ),
    );
  for (const settlement of (await ofModes()).flat().toReversed()) await settle(services, settlement);
  return (await ofModes()).flat();
}
