/** All SQL on agents, their prices, and whose merchants are. */
import { toRfc3339 } from "../../kit/clock.ts";
import { plainArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { Agent } from "./agent.ts";
import type { AgentPrice } from "./price.ts";

const agentColumns = "id, parent_id, path, name, created_at, next_month";

// Agents and their prices are the platform's own register, like merchants.
const insertAgentStatement = platformStatement(
  "agent.insert",
  `insert into agents (id, parent_id, path, name, created_at, next_month, due_at, created_by)
   values ($1, $2, $3::uuid[], $4, $5::timestamptz, $6, $7::timestamptz, $8)`,
);

/** Inserts an agent; `due_at` is when its first month is settled. */
export async function insertAgent(
  sql: Sql,
  agent: Agent & { due_at: number; created_by: string | null },
): Promise<void> {
  const { id, parent_id, path, name, created_at, next_month, due_at, created_by } = agent;
  const values = [
    id,
    parent_id,
    plainArray(path),
    name,
    toRfc3339(created_at),
    next_month,
    toRfc3339(due_at),
    created_by,
  ];
  await sql.query(insertAgentStatement, values);
}

const claimStatement = platformStatement(
  "agent.claim",
  `update agents a set due_at = $2::timestamptz
   from (select id from agents where due_at <= $1::timestamptz order by due_at limit $3 for update skip locked) due
   where a.id = due.id returning a.id`,
);

/** Claims agents of which a month is to be settled, until the lease runs out. */
export async function claimDueAgents(sql: Sql, now: number, lease_until: number, limit: number): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(claimStatement, [toRfc3339(now), toRfc3339(lease_until), limit]);
  return rows.map(({ id }) => id);
}

const scheduleStatement = platformStatement(
  "agent.schedule",
  "update agents set next_month = $2, due_at = $3::timestamptz where id = $1",
);

/** Says which month is settled next, and when. */
export async function scheduleMonth(tx: Transaction, id: string, next_month: string, due_at: number): Promise<void> {
  await tx.query(scheduleStatement, [id, next_month, toRfc3339(due_at)]);
}

const selectAgent = platformStatement("agent.select", `select ${agentColumns} from agents where id = $1`);

export async function loadAgent(sql: Sql, id: string): Promise<Agent | undefined> {
  return (await sql.query<Agent>(selectAgent, [id]))[0];
}

const lockAgents = platformStatement(
  "agent.lock",
  `select ${agentColumns} from agents where id = any ($1::uuid[]) order by id for update`,
);

/** Locks agents, in the order of their ids. Who changes a tree holds its topmost agent. */
export async function lockAgentRows(tx: Transaction, ids: readonly string[]): Promise<Agent[]> {
  return tx.query<Agent>(lockAgents, [plainArray(ids)]);
}

const selectFamily = platformStatement(
  "agent.select_family",
  `select ${agentColumns} from agents where path @> array[$1::uuid]
   union select ${agentColumns} from agents where id = any ((select path from agents where id = $1)::uuid[])`,
);

/** An agent, those above it and all below it. */
export async function loadFamily(sql: Sql, id: string): Promise<Agent[]> {
  return sql.query<Agent>(selectFamily, [id]);
}

const listStatement = platformStatement(
  "agent.list",
  `select ${agentColumns} from agents
   where ($1::uuid is null or path @> array[$1::uuid]) and ($2::uuid is null or parent_id = $2::uuid)
     and ($3::uuid is null or id < $3::uuid) and ($4::uuid is null or id > $4::uuid)
   order by case when $6 then id end desc, case when not $6 then id end limit $5`,
);

export interface AgentFilter {
  /** Only this one and those below it; null is every agent. */
  readonly within: string | null;
  /** Only those directly below this one. */
  readonly parent_id: string | null;
  readonly page: {
    readonly older_than: string | null;
    readonly newer_than: string | null;
    readonly order: "desc" | "asc";
    readonly fetch: number;
  };
}

/** Agents in the page's order. */
export async function listAgents(sql: Sql, { within, parent_id, page }: AgentFilter): Promise<Agent[]> {
  const { older_than, newer_than, fetch, order } = page;
  return sql.query<Agent>(listStatement, [within, parent_id, older_than, newer_than, fetch, order === "desc"]);
}

const moveStatement = platformStatement(
  "agent.move",
  `update agents set path = $3::uuid[] || path[$4::int:],
     parent_id = case when id = $1 then $2::uuid else parent_id end
   where path @> array[$1::uuid]`,
);

/** Puts an agent, with all below it, under another; `depth` is where the agent stands in its path now, counted from 1. */
export async function moveSubtree(tx: Transaction, id: string, under: Agent | undefined, depth: number): Promise<void> {
  await tx.query(moveStatement, [id, under?.id ?? null, plainArray(under?.path ?? []), depth]);
}

const insertPriceStatement = platformStatement(
  "agent_price.insert",
  `insert into agent_prices (agent_id, id, method, currency, rate_ppm, fixed_amount, default_rate_ppm,
     default_fixed_amount, minimum_rate_ppm, minimum_fixed_amount, maximum_rate_ppm, maximum_fixed_amount,
     effective_from, created_at, created_by)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::timestamptz, $14::timestamptz, $15)`,
);

export async function insertPrice(sql: Sql, p: AgentPrice, created_by: string | null): Promise<void> {
  const rates = [p.price, p.default, p.minimum, p.maximum].flatMap((rate) => [rate.rate_ppm, rate.fixed_amount]);
  const dates = [toRfc3339(p.effective_from), toRfc3339(p.created_at)];
  await sql.query(insertPriceStatement, [p.agent_id, p.id, p.method, p.currency, ...rates, ...dates, created_by]);
}

interface PriceRow {
  agent_id: string;
  id: string;
  method: string | null;
  currency: string;
  rate_ppm: bigint;
  fixed_amount: bigint;
  default_rate_ppm: bigint;
  default_fixed_amount: bigint;
  minimum_rate_ppm: bigint;
  minimum_fixed_amount: bigint;
  maximum_rate_ppm: bigint;
  maximum_fixed_amount: bigint;
  effective_from: number;
  created_at: number;
}

function readPrice(row: PriceRow): AgentPrice {
  const { agent_id, id, method, currency, effective_from, created_at } = row;
  return {
    ...{ agent_id, id, method, currency, effective_from, created_at },
    price: { rate_ppm: row.rate_ppm, fixed_amount: row.fixed_amount },
    default: { rate_ppm: row.default_rate_ppm, fixed_amount: row.default_fixed_amount },
    minimum: { rate_ppm: row.minimum_rate_ppm, fixed_amount: row.minimum_fixed_amount },
    maximum: { rate_ppm: row.maximum_rate_ppm, fixed_amount: row.maximum_fixed_amount },
  };
}

const selectPrices = platformStatement(
  "agent_price.select",
  "select * from agent_prices where agent_id = any ($1::uuid[]) order by agent_id, effective_from desc, id desc",
);

/** All prices of the agents, past and future ones too, the latest of each agent first. */
export async function loadPrices(sql: Sql, agent_ids: readonly string[]): Promise<AgentPrice[]> {
  return (await sql.query<PriceRow>(selectPrices, [plainArray(agent_ids)])).map(readPrice);
}

const selectPricesAt = platformStatement(
  "agent_price.select_at",
  `select distinct on (agent_id, currency, method) * from agent_prices
   where agent_id = any ($1::uuid[]) and effective_from <= $2::timestamptz
   order by agent_id, currency, method, effective_from desc, id desc`,
);

/** The prices of the agents that are in force at an instant. */
export async function loadPricesAt(sql: Sql, agent_ids: readonly string[], at: number): Promise<AgentPrice[]> {
  return (await sql.query<PriceRow>(selectPricesAt, [plainArray(agent_ids), toRfc3339(at)])).map(readPrice);
}

/**
 * For a statement that prices rows `i (merchant_id, at)`: the agents of each merchant at that instant, the topmost first;
 * null is nobody. So pricing asks for agents by the query that it makes anyway; where there are no bindings at all, which
 * is looked for once in a statement, no row pays for it.
 */
export const boundAgents = `case when (select exists (select from agent_bindings)) then (
     select agents.path from agent_bindings b left join agents on agents.id = b.agent_id
     where b.merchant_id = i.merchant_id and b.effective_from <= i.at
     order by b.merchant_id desc, b.effective_from desc limit 1) end`;

/** Whose merchant one is, from when. */
export interface Binding {
  readonly merchant_id: string;
  /** Null: nobody's. */
  readonly agent_id: string | null;
  readonly effective_from: number;
  readonly created_at: number;
}

const saveBindingStatement = tenantStatement(
  "agent_binding.save",
  `insert into agent_bindings (merchant_id, effective_from, agent_id, created_at, created_by)
   values ($1, $2::timestamptz, $3, $4::timestamptz, $5)
   on conflict (merchant_id, effective_from) do update
     set agent_id = excluded.agent_id, created_at = excluded.created_at, created_by = excluded.created_by`,
);

export async function saveBinding(sql: Sql, binding: Binding, created_by: string | null): Promise<void> {
  const { merchant_id, effective_from, agent_id, created_at } = binding;
  const values = [merchant_id, toRfc3339(effective_from), agent_id, toRfc3339(created_at), created_by];
  await sql.query(saveBindingStatement, values);
}

const selectBinding = tenantStatement(
  "agent_binding.select",
  `select merchant_id, agent_id, effective_from, created_at from agent_bindings where merchant_id = $1 and effective_from <= $2::timestamptz
   order by merchant_id desc, effective_from desc limit 1`,
);

/** The binding of a merchant that is in force at an instant. */
export async function loadBinding(sql: Sql, merchant_id: string, at: number): Promise<Binding | undefined> {
  return (await sql.query<Binding>(selectBinding, [merchant_id, toRfc3339(at)]))[0];
}

const selectMerchants = platformStatement(
  "agent_binding.select_merchants",
  `select b.merchant_id, b.agent_id, b.effective_from, b.created_at from agent_bindings b
   where b.agent_id in (select id from agents where path @> array[$1::uuid])
     and b.effective_from <= $2::timestamptz
     and ($3::uuid is null or b.merchant_id < $3::uuid) and ($4::uuid is null or b.merchant_id > $4::uuid)
     and ($7::uuid is null or b.merchant_id = $7::uuid)
     and not exists (
       select from agent_bindings later where later.merchant_id = b.merchant_id
         and later.effective_from > b.effective_from and later.effective_from <= $2::timestamptz)
   order by case when $6 then b.merchant_id end desc, case when not $6 then b.merchant_id end limit $5`,
);

/** Merchants that are an agent's or of one below it at an instant, in the page's order; only one of them where it is named. */
export async function listBindings(
  sql: Sql,
  top_id: string,
  at: number,
  page: AgentFilter["page"],
  merchant_id: string | null = null,
): Promise<Binding[]> {
  const { older_than, newer_than, fetch, order } = page;
  const values = [top_id, toRfc3339(at), older_than, newer_than, fetch, order === "desc", merchant_id];
  return sql.query<Binding>(selectMerchants, values);
}
