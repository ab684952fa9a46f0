/** All SQL on what merchants have set: rules, what refunds do, and what channels have agreed to. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { SharingPlan } from "../payment/index.ts";
import type { Book } from "./receiver-store.ts";
import type { RefundPolicy } from "./sharing.ts";

/** What is shared of every payment of an app, or (`ALL_APPS`) of a merchant's apps that have no rule of their own. */
export interface SharingRule extends Book {
  app_id: string;
  /** Null where it was taken away. */
  plan: SharingPlan | null;
  updated_at: number;
}

export const ALL_APPS = "00000000-0000-0000-0000-000000000000";

const saveStatement = tenantStatement(
  "sharing_rule.save",
  `insert into sharing_rules (merchant_id, livemode, app_id, plan, updated_at)
   values ($1, $2, $3, $4::jsonb, $5::timestamptz)
   on conflict (merchant_id, livemode, app_id) do update set plan = excluded.plan, updated_at = excluded.updated_at`,
);

export async function saveRule(sql: Sql, rule: SharingRule): Promise<void> {
  const { merchant_id, livemode, app_id, plan, updated_at } = rule;
  const values = [merchant_id, livemode, app_id, plan === null ? null : JSON.stringify(plan), toRfc3339(updated_at)];
  await sql.query(saveStatement, values);
}

const listStatement = tenantStatement(
  "sharing_rule.list",
  "select * from sharing_rules where merchant_id = $1 and plan is not null order by livemode, app_id",
);

/** A merchant's rules. */
export async function listRules(sql: Sql, merchant_id: string): Promise<SharingRule[]> {
  return sql.query<SharingRule>(listStatement, [merchant_id]);
}

const changedStatement = platformStatement(
  "sharing_rule.changed",
  "select * from sharing_rules where updated_at >= $1::timestamptz",
);

/** The rules of all merchants that were set or taken away since. */
export async function loadChangedRules(sql: Sql, since: number): Promise<SharingRule[]> {
  return sql.query<SharingRule>(changedStatement, [toRfc3339(since)]);
}

const savePolicyStatement = tenantStatement(
  "sharing_settings.save",
  `insert into sharing_settings (merchant_id, livemode, refund_policy, updated_at) values ($1, $2, $3, $4::timestamptz)
   on conflict (merchant_id, livemode) do update
     set refund_policy = excluded.refund_policy, updated_at = excluded.updated_at`,
);

/** Sets what refunds of a merchant's shared payments do. */
export async function savePolicy(sql: Sql, book: Book, policy: RefundPolicy, now: number): Promise<void> {
  await sql.query(savePolicyStatement, [book.merchant_id, book.livemode, policy, toRfc3339(now)]);
}

const policyStatement = tenantStatement(
  "sharing_settings.select",
  "select refund_policy from sharing_settings where merchant_id = $1 and livemode = $2",
);

/** What refunds of a merchant's shared payments do, unless an order says otherwise. */
export async function loadPolicy(sql: Sql, book: Book): Promise<RefundPolicy> {
  const [row] = await sql.query<{ refund_policy: RefundPolicy }>(policyStatement, [book.merchant_id, book.livemode]);
  return row?.refund_policy ?? "return";
}

const saveAgreementStatement = platformStatement(
  "sharing_agreement.save",
  `insert into sharing_agreements (channel_account_id, share_ppm_max, updated_at) values ($1, $2, $3::timestamptz)
   on conflict (channel_account_id) do update
     set share_ppm_max = excluded.share_ppm_max, updated_at = excluded.updated_at`,
);

/** Remembers what a channel has agreed to. */
export async function saveAgreement(
  sql: Sql,
  channel_account_id: string,
  share_ppm_max: number,
  now: number,
): Promise<void> {
  await sql.query(saveAgreementStatement, [channel_account_id, share_ppm_max, toRfc3339(now)]);
}

const agreementStatement = platformStatement(
  "sharing_agreement.select",
  "select share_ppm_max from sharing_agreements where channel_account_id = $1",
);

/** The largest part that a channel has agreed to share through an account; undefined where it is the channel's own limit. */
export async function loadAgreement(sql: Sql, channel_account_id: string): Promise<number | undefined> {
  const [row] = await sql.query<{ share_ppm_max: number }>(agreementStatement, [channel_account_id]);
  return row?.share_ppm_max;
}
