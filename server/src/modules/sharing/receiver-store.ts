/** All SQL on receivers, what channel accounts know of them, and groups. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { plainArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { TenantKey } from "../../kit/sql/tenant-key.ts";
import type { Binding, Receiver, ReceiverGroup } from "./receiver.ts";

/** One of a merchant's two books. */
export interface Book {
  merchant_id: string;
  livemode: boolean;
}

const saveStatement = tenantStatement(
  "receiver.save",
  `insert into sharing_receivers (merchant_id, id, livemode, kind, channel, receiver_merchant_id, sealed, account_mask,
     name_mask, identity, label, status, created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::timestamptz)
   on conflict (merchant_id, livemode, identity) do nothing returning id`,
);

/** False when the merchant has a receiver of that identity. */
export async function insertReceiver(tx: Transaction, receiver: Receiver): Promise<boolean> {
  const r = receiver;
  const rows = await tx.query(saveStatement, [
    ...[r.merchant_id, r.id, r.livemode, r.kind, r.channel, r.receiver_merchant_id, r.sealed, r.account_mask],
    ...[r.name_mask, r.identity, r.label, r.status, toRfc3339(r.created_at)],
  ]);
  return rows.length === 1;
}

const lockByIdentity = tenantStatement(
  "receiver.lock_by_identity",
  "select * from sharing_receivers where merchant_id = $1 and livemode = $2 and identity = $3 for update",
);

export async function lockReceiverByIdentity(
  tx: Transaction,
  book: Book,
  identity: string,
): Promise<Receiver | undefined> {
  return (await tx.query<Receiver>(lockByIdentity, [book.merchant_id, book.livemode, identity]))[0];
}

const lockById = tenantStatement(
  "receiver.lock",
  "select * from sharing_receivers where merchant_id = $1 and id = $2 for update",
);

export async function lockReceiver(tx: Transaction, key: TenantKey): Promise<Receiver | undefined> {
  return (await tx.query<Receiver>(lockById, [key.merchant_id, key.id]))[0];
}

const updateStatement = tenantStatement(
  "receiver.update",
  `update sharing_receivers set status = $3, sealed = $4, name_mask = $5, label = $6
   where merchant_id = $1 and id = $2`,
);

export async function updateReceiver(tx: Transaction, receiver: Receiver): Promise<void> {
  const { merchant_id, id, status, sealed, name_mask, label } = receiver;
  await tx.query(updateStatement, [merchant_id, id, status, sealed, name_mask, label]);
}

const selectStatement = tenantStatement(
  "receiver.select",
  "select * from sharing_receivers where merchant_id = $1 and id = any($2::uuid[])",
);

/** A merchant's receivers by their ids. */
export async function loadReceivers(
  sql: Sql,
  merchant_id: string,
  ids: readonly string[],
): Promise<Map<string, Receiver>> {
  const rows = await sql.query<Receiver>(selectStatement, [merchant_id, plainArray(ids)]);
  return new Map(rows.map((row) => [row.id, row]));
}

const shareLockStatement = tenantStatement(
  "receiver.hold",
  "select * from sharing_receivers where merchant_id = $1 and id = any($2::uuid[]) order by id for share",
);

/** The same; none is disabled until the transaction ends. */
export async function holdReceivers(
  tx: Transaction,
  merchant_id: string,
  ids: readonly string[],
): Promise<Map<string, Receiver>> {
  const rows = await tx.query<Receiver>(shareLockStatement, [merchant_id, plainArray(ids)]);
  return new Map(rows.map((row) => [row.id, row]));
}

const listStatements = (["desc", "asc"] as const).map((order) =>
  tenantStatement(
    `receiver.list_${order}`,
    `select * from sharing_receivers where merchant_id = $1 and livemode = $2 and ($3::text is null or status = $3)
       and id > $4 and id < $5 order by id ${order} limit $6`,
  ),
);

const openOfReceiver = tenantStatement(
  "receiver.open_parts",
  `select id from sharing_parts where merchant_id = $1 and receiver_id = $2
     and status in ('created', 'sent', 'unknown') limit 1`,
);

/** Whether a part of the receiver is under way. */
export async function hasOpenPartsOf(sql: Sql, receiver: TenantKey): Promise<boolean> {
  return (await sql.query(openOfReceiver, [receiver.merchant_id, receiver.id])).length > 0;
}

type ListPage = Pick<Page, "older_than" | "newer_than" | "order" | "fetch">;

function boundsOf(page: ListPage) {
  return [page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX, page.fetch];
}

/** A merchant's receivers in the page's order. */
export async function listReceivers(sql: Sql, book: Book, status: string | null, page: ListPage): Promise<Receiver[]> {
  const statement = listStatements[page.order === "desc" ? 0 : 1]!;
  return sql.query<Receiver>(statement, [book.merchant_id, book.livemode, status, ...boundsOf(page)]);
}

const insertGroupStatement = tenantStatement(
  "receiver_group.insert",
  `insert into sharing_groups (merchant_id, id, livemode, name, members, status, created_at)
   values ($1, $2, $3, $4, $5::jsonb, $6, $7::timestamptz)
   on conflict (merchant_id, livemode, name) where status = 'active' do nothing returning id`,
);

/** False when there is an active group of that name. */
export async function insertGroup(tx: Transaction, group: ReceiverGroup): Promise<boolean> {
  const { merchant_id, id, livemode, name, members, status, created_at } = group;
  const values = [merchant_id, id, livemode, name, JSON.stringify(members), status, toRfc3339(created_at)];
  return (await tx.query(insertGroupStatement, values)).length === 1;
}

const selectGroup = tenantStatement(
  "receiver_group.select",
  "select * from sharing_groups where merchant_id = $1 and id = $2",
);

export async function loadGroup(sql: Sql, key: TenantKey): Promise<ReceiverGroup | undefined> {
  return (await sql.query<ReceiverGroup>(selectGroup, [key.merchant_id, key.id]))[0];
}

const disableGroupStatement = tenantStatement(
  "receiver_group.disable",
  "update sharing_groups set status = 'disabled' where merchant_id = $1 and id = $2",
);

export async function disableGroup(sql: Sql, key: TenantKey): Promise<void> {
  await sql.query(disableGroupStatement, [key.merchant_id, key.id]);
}

const listGroupStatements = (["desc", "asc"] as const).map((order) =>
  tenantStatement(
    `receiver_group.list_${order}`,
    `select * from sharing_groups where merchant_id = $1 and livemode = $2 and id > $3 and id < $4
     order by id ${order} limit $5`,
  ),
);

export async function listGroups(sql: Sql, book: Book, page: ListPage): Promise<ReceiverGroup[]> {
  const statement = listGroupStatements[page.order === "desc" ? 0 : 1]!;
  return sql.query<ReceiverGroup>(statement, [book.merchant_id, book.livemode, ...boundsOf(page)]);
}

const bindStatement = tenantStatement(
  "sharing_binding.begin",
  `insert into sharing_bindings (merchant_id, receiver_id, channel_account_id, channel, status, updated_at)
   values ($1, $2, $3, $4, 'created', $5::timestamptz)
   on conflict (merchant_id, receiver_id, channel_account_id) do update
     set status = 'created', due_at = null, updated_at = excluded.updated_at
     where sharing_bindings.status <> 'bound'`,
);

/** Writes that a channel account is about to be told of a receiver. */
export async function beginBinding(
  sql: Sql,
  {
    merchant_id,
    receiver_id,
    channel_account_id,
    channel,
  }: Omit<Binding, "status" | "query_count" | "failure_code" | "failure_message">,
  now: number,
): Promise<void> {
  await sql.query(bindStatement, [merchant_id, receiver_id, channel_account_id, channel, toRfc3339(now)]);
}

const endStatement = tenantStatement(
  "sharing_binding.end",
  `update sharing_bindings set status = $4, failure_code = $5, failure_message = $6, query_count = $7,
     due_at = $8::timestamptz, updated_at = $9::timestamptz
   where merchant_id = $1 and receiver_id = $2 and channel_account_id = $3`,
);

export async function updateBinding(sql: Sql, binding: Binding, due_at: number | null, now: number): Promise<void> {
  const b = binding;
  await sql.query(endStatement, [
    ...[b.merchant_id, b.receiver_id, b.channel_account_id, b.status, b.failure_code, b.failure_message, b.query_count],
    ...[due_at === null ? null : toRfc3339(due_at), toRfc3339(now)],
  ]);
}

const selectBindings = tenantStatement(
  "sharing_binding.select",
  `select * from sharing_bindings
   where merchant_id = $1 and channel_account_id = $2 and receiver_id = any($3::uuid[])`,
);

/** What a channel account knows of receivers, by their ids. */
export async function loadBindings(
  sql: Sql,
  { merchant_id, channel_account_id }: { merchant_id: string; channel_account_id: string },
  receiver_ids: readonly string[],
): Promise<Map<string, Binding>> {
  const rows = await sql.query<Binding>(selectBindings, [merchant_id, channel_account_id, plainArray(receiver_ids)]);
  return new Map(rows.map((row) => [row.receiver_id, row]));
}

const selectOfReceiver = tenantStatement(
  "sharing_binding.select_of_receiver",
  "select * from sharing_bindings where merchant_id = $1 and receiver_id = $2 order by channel_account_id",
);

export async function loadBindingsOf(sql: Sql, receiver: TenantKey): Promise<Binding[]> {
  return sql.query<Binding>(selectOfReceiver, [receiver.merchant_id, receiver.id]);
}

const forgetStatement = tenantStatement(
  "sharing_binding.forget",
  `update sharing_bindings set status = 'created', updated_at = $4::timestamptz
   where merchant_id = $1 and channel_account_id = $2 and receiver_id = any($3::uuid[]) and status = 'bound'`,
);

/** The channel may not know these receivers after all: they are added again before the next sharing. */
export async function forgetBindings(
  sql: Sql,
  { merchant_id, channel_account_id }: { merchant_id: string; channel_account_id: string },
  receiver_ids: readonly string[],
  now: number,
): Promise<void> {
  await sql.query(forgetStatement, [merchant_id, channel_account_id, plainArray(receiver_ids), toRfc3339(now)]);
}

const removeStatement = tenantStatement(
  "sharing_binding.remove",
  `update sharing_bindings set status = 'removing', query_count = 0, due_at = $3::timestamptz
   where merchant_id = $1 and receiver_id = $2 and status in ('created', 'bound')`,
);

/** Has the worker take a receiver away from every channel account that may know it. */
export async function removeBindings(tx: Transaction, receiver: TenantKey, due_at: number): Promise<void> {
  await tx.query(removeStatement, [receiver.merchant_id, receiver.id, toRfc3339(due_at)]);
}

const claimStatement = platformStatement(
  "sharing_binding.claim",
  `update sharing_bindings b set due_at = $2::timestamptz
   from (select merchant_id, receiver_id, channel_account_id from sharing_bindings
         where channel = $4 and due_at <= $1::timestamptz order by due_at limit $3::int for update skip locked) due
   where b.merchant_id = due.merchant_id and b.receiver_id = due.receiver_id
     and b.channel_account_id = due.channel_account_id
   returning b.*`,
);

/** Claims receivers that are to be taken away at a channel. */
export async function claimDueBindings(
  sql: Sql,
  channel: string,
  now: number,
  lease_until: number,
  limit: number,
): Promise<Binding[]> {
  return sql.query<Binding>(claimStatement, [toRfc3339(now), toRfc3339(lease_until), limit, channel]);
}
