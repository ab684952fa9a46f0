/** All SQL on merchants and apps. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { plainArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { App, AppStatus, Merchant, MerchantStatus } from "./merchant.ts";

/** An app with its secrets as they lie in the database. */
export interface SealedApp extends App {
  readonly webhook_secret_sealed: Buffer;
  readonly previous_webhook_secret_sealed: Buffer | null;
  readonly previous_webhook_secret_until: number | null;
}

const merchantColumns = "id, name, kind, status, time_zone, created_at";
const appColumns = "merchant_id, id, name, status, created_at";
const sealedColumns = `${appColumns}, webhook_secret_sealed, previous_webhook_secret_sealed, previous_webhook_secret_until`;

// Merchants are the platform's own register: their id is the merchant_id of everything else.
const insertMerchantStatement = platformStatement(
  "merchant.insert",
  `insert into merchants (${merchantColumns}) values ($1, $2, $3, $4, $5, $6::timestamptz)`,
);

export async function insertMerchant(sql: Sql, merchant: Merchant): Promise<void> {
  const { id, name, kind, status, time_zone, created_at } = merchant;
  await sql.query(insertMerchantStatement, [id, name, kind, status, time_zone, toRfc3339(created_at)]);
}

const selectMerchant = platformStatement("merchant.select", `select ${merchantColumns} from merchants where id = $1`);

export async function loadMerchant(sql: Sql, id: string): Promise<Merchant | undefined> {
  const [merchant] = await sql.query<Merchant>(selectMerchant, [id]);
  return merchant;
}

const selectMerchants = platformStatement(
  "merchant.list",
  `select ${merchantColumns} from merchants
   where kind = 'merchant' and ($1::uuid is null or id < $1::uuid) order by id desc limit $2`,
);

/** Merchants, without the entries of agents, older than the given one, the newest first. */
export async function loadMerchants(sql: Sql, older_than: string | null, limit: number): Promise<Merchant[]> {
  return sql.query<Merchant>(selectMerchants, [older_than, limit]);
}

const selectTimeZones = platformStatement(
  "merchant.time_zones",
  "select id, time_zone from merchants where id = any ($1::uuid[])",
);

/** The time zones of merchants, by id. */
export async function loadTimeZones(sql: Sql, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql.query<Pick<Merchant, "id" | "time_zone">>(selectTimeZones, [plainArray(ids)]);
  return new Map(rows.map(({ id, time_zone }) => [id, time_zone]));
}

const selectNames = platformStatement(
  "merchant.select_names",
  "select id, name from merchants where id = any ($1::uuid[])",
);

/** Names of merchants by their ids. */
export async function loadMerchantNames(sql: Sql, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await sql.query<Pick<Merchant, "id" | "name">>(selectNames, [plainArray(ids)]);
  return new Map(rows.map(({ id, name }) => [id, name]));
}

const pageStatements = (["desc", "asc"] as const).map((order) =>
  platformStatement(
    `merchant.page_${order}`,
    `select ${merchantColumns} from merchants
     where kind = 'merchant' and ($1::text is null or status = $1) and ($2::text is null or strpos(lower(name), lower($2)) > 0)
       and ($3::uuid is null or id < $3) and ($4::uuid is null or id > $4) order by id ${order} limit $5`,
  ),
);

export interface MerchantFilter {
  readonly status: MerchantStatus | null;
  /** A part of the name, in either case. */
  readonly name: string | null;
}

/** Merchants in the page's order. */
export async function pageMerchants(
  sql: Sql,
  { status, name }: MerchantFilter,
  page: Pick<Page, "older_than" | "newer_than" | "order" | "fetch">,
): Promise<Merchant[]> {
  const [newestFirst, oldestFirst] = pageStatements;
  const values = [status, name, page.older_than, page.newer_than, page.fetch];
  return sql.query<Merchant>(page.order === "desc" ? newestFirst! : oldestFirst!, values);
}

const updateMerchantStatus = platformStatement(
  "merchant.set_status",
  `update merchants set status = $2 where id = $1 returning ${merchantColumns}`,
);

export async function saveMerchantStatus(
  tx: Transaction,
  id: string,
  status: MerchantStatus,
): Promise<Merchant | undefined> {
  const [merchant] = await tx.query<Merchant>(updateMerchantStatus, [id, status]);
  return merchant;
}

const insertAppStatement = tenantStatement(
  "app.insert",
  `insert into apps (merchant_id, id, name, status, created_at, webhook_secret_sealed)
   values ($1, $2, $3, $4, $5::timestamptz, $6)`,
);

export async function insertApp(sql: Sql, app: App, webhook_secret_sealed: Buffer): Promise<void> {
  const { merchant_id, id, name, status, created_at } = app;
  await sql.query(insertAppStatement, [merchant_id, id, name, status, toRfc3339(created_at), webhook_secret_sealed]);
}

const selectApp = tenantStatement("app.select", `select ${sealedColumns} from apps where merchant_id = $1 and id = $2`);

export async function loadApp(sql: Sql, merchant_id: string, id: string): Promise<SealedApp | undefined> {
  const [app] = await sql.query<SealedApp>(selectApp, [merchant_id, id]);
  return app;
}

const selectApps = tenantStatement(
  "app.list",
  `select ${appColumns} from apps where merchant_id = $1 order by id desc limit $2`,
);

/** A merchant's apps, the newest first. */
export async function loadApps(sql: Sql, merchant_id: string, limit: number): Promise<App[]> {
  return sql.query<App>(selectApps, [merchant_id, limit]);
}

const selectActiveApps = tenantStatement(
  "app.list_active",
  `select a.merchant_id, a.id from apps a
   where a.merchant_id = any ($1::uuid[]) and a.status = 'active' order by a.merchant_id, a.id`,
);

/** The apps of merchants that work. */
export async function loadActiveApps(
  sql: Sql,
  merchant_ids: readonly string[],
): Promise<Pick<App, "merchant_id" | "id">[]> {
  return sql.query(selectActiveApps, [plainArray(merchant_ids)]);
}

const updateAppStatus = tenantStatement(
  "app.set_status",
  `update apps set status = $3 where merchant_id = $1 and id = $2 returning ${appColumns}`,
);

export async function saveAppStatus(
  tx: Transaction,
  merchant_id: string,
  id: string,
  status: AppStatus,
): Promise<App | undefined> {
  const [app] = await tx.query<App>(updateAppStatus, [merchant_id, id, status]);
  return app;
}

const rotateSecret = tenantStatement(
  "app.rotate_webhook_secret",
  `update apps set previous_webhook_secret_sealed = webhook_secret_sealed, previous_webhook_secret_until = $4::timestamptz,
     webhook_secret_sealed = $3
   where merchant_id = $1 and id = $2 returning id`,
);

/** Puts a new secret in place; the old one signs too until `until`. False when there is no such app. */
export async function saveWebhookSecret(
  sql: Sql,
  app: { merchant_id: string; id: string },
  sealed: Buffer,
  until: number,
): Promise<boolean> {
  const rows = await sql.query(rotateSecret, [app.merchant_id, app.id, sealed, toRfc3339(until)]);
  return rows.length === 1;
}

const selectStanding = tenantStatement(
  "app.standing",
  `select m.status as merchant_status, a.status as app_status
   from apps a join merchants m on m.id = a.merchant_id where a.merchant_id = $1 and a.id = $2`,
);

/** Whether a merchant and its app may call at all. */
export interface Standing {
  readonly merchant_status: MerchantStatus;
  readonly app_status: AppStatus;
}

/** Undefined when there is no such app of that merchant. */
export async function loadStanding(sql: Sql, merchant_id: string, app_id: string): Promise<Standing | undefined> {
  const [standing] = await sql.query<Standing>(selectStanding, [merchant_id, app_id]);
  return standing;
}

const notifyStatement = platformStatement("credentials.notify", "select pg_notify('credentials', '')");

/** Tells every process, when the transaction commits, to forget what it has cached of credentials. */
export async function announceCredentialChange(tx: Transaction): Promise<void> {
  await tx.query(notifyStatement);
}
