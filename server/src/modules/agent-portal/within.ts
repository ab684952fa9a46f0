/** What an agent may see: itself and what stands below it. For everything else the answer is that it does not exist. */
import { parsePublicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import {
  type Agent,
  agentErrors,
  type Binding,
  getAgent,
  isWithin,
  listBindings,
  readAgentId,
} from "../agent/index.ts";
import { merchantErrors } from "../merchant/index.ts";

/** The agent of a public id. @throws agent.not_found */
export async function findAgentWithin(sql: Sql, top_id: string, public_id: string, param?: string): Promise<Agent> {
  const agent = await getAgent(sql, readAgentId(public_id, param));
  if (!isWithin(agent, top_id)) throw agentErrors["agent.not_found"](param === undefined ? {} : { param });
  return agent;
}

const ONE = { older_than: null, newer_than: null, order: "desc", fetch: 1 } as const;

/** Whose a merchant of a public id is now. @throws merchant.not_found */
export async function findMerchantWithin(sql: Sql, top_id: string, public_id: string, now: number): Promise<Binding> {
  const id = parsePublicId("merchant", public_id);
  const [binding] = id === undefined ? [] : await listBindings(sql, top_id, now, ONE, id);
  if (!binding) throw merchantErrors["merchant.not_found"]();
  return binding;
}
