import type { Clock } from "../../kit/clock.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { createMerchant } from "../merchant/index.ts";
import type { Agent } from "./agent.ts";
import { agentErrors } from "./errors.ts";
import { monthOf, settlingTime } from "./month.ts";
import { insertAgent, lockAgentRows } from "./store.ts";

/** What the use cases of this module need besides a transaction. */
export interface AgentServices {
  clock: Clock;
  ids: IdSource;
}

/**
 * Creates an agent, with the entry in the register of merchants that its book belongs to.
 * @param input.parent_id UUID; null directly under the platform.
 * @param input.time_zone IANA name, by which its months end; Asia/Shanghai unless given.
 * @param input.created_by UUID of the person who is signed in.
 * @throws agent.not_found (the parent), merchant.invalid
 */
export async function createAgent(
  tx: Transaction,
  { clock, ids }: AgentServices,
  input: { name: string; parent_id: string | null; time_zone?: string; created_by?: string },
): Promise<Agent> {
  const { parent_id, name, time_zone, created_by = null } = input;
  // Held, so that it is not moved meanwhile.
  const [parent] = parent_id === null ? [] : await lockAgentRows(tx, [parent_id]);
  if (parent_id !== null && !parent) throw agentErrors["agent.not_found"]({ param: "parent" });
  const given = { name, kind: "agent" as const, ...(time_zone !== undefined && { time_zone }) };
  const holder = await createMerchant({ sql: tx, clock, ids }, given);
  const { id, created_at } = holder;
  const next_month = monthOf(created_at, holder.time_zone);
  const path = [...(parent?.path ?? []), id];
  const agent = { id, parent_id, path, name: holder.name, created_at, next_month };
  await insertAgent(tx, { ...agent, due_at: settlingTime(next_month, holder.time_zone), created_by });
  return agent;
}
