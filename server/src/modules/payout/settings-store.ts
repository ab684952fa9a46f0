/** SQL on how merchants are paid out and what transfers cost. */
import { toRfc3339 } from "../../kit/clock.ts";
import { plainArray } from "../../kit/sql/arrays.ts";
import type { Sql, SqlValue, Transaction } from "../../kit/sql/database.ts";
import { UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { CostKey, PayoutSettings, SettingsKey, TransferCost } from "./settings.ts";

function keyOf({ merchant_id, livemode, currency }: SettingsKey): SqlValue[] {
  return [merchant_id, livemode, currency];
}

const selectStatement = tenantStatement(
  "payout_settings.select",
  "select * from payout_settings where merchant_id = $1 and livemode = $2 and currency = $3",
);

export async function loadSettings(sql: Sql, key: SettingsKey): Promise<PayoutSettings | undefined> {
  return (await sql.query<PayoutSettings>(selectStatement, keyOf(key)))[0];
}

const lockStatement = tenantStatement(
  "payout_settings.lock",
  "select * from payout_settings where merchant_id = $1 and livemode = $2 and currency = $3 for update",
);

/** Locks the settings: payouts that share a limit are made one after another. */
export async function lockSettings(tx: Transaction, key: SettingsKey): Promise<PayoutSettings | undefined> {
  return (await tx.query<PayoutSettings>(lockStatement, keyOf(key)))[0];
}

const listStatement = tenantStatement(
  "payout_settings.list",
  "select * from payout_settings where merchant_id = $1 order by livemode, currency",
);

/** A merchant's settings, for each of its books and currencies. */
export async function listSettings(sql: Sql, merchant_id: string): Promise<PayoutSettings[]> {
  return sql.query<PayoutSettings>(listStatement, [merchant_id]);
}

const saveStatement = tenantStatement(
  "payout_settings.save",
  `insert into payout_settings (merchant_id, livemode, currency, fee_rate_ppm, fee_fixed_amount, fee_floor_amount,
     fee_cap_amount, fee_on_top, fee_returns, single_minimum, single_maximum, day_count_maximum, day_amount_maximum,
     month_amount_maximum, review_above, channel_accounts, automatic_beneficiary_id, automatic_minimum, automatic_keep,
     updated_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16::uuid[], $17, $18, $19, $20::timestamptz)
   on conflict (merchant_id, livemode, currency) do update set fee_rate_ppm = excluded.fee_rate_ppm,
     fee_fixed_amount = excluded.fee_fixed_amount, fee_floor_amount = excluded.fee_floor_amount,
     fee_cap_amount = excluded.fee_cap_amount, fee_on_top = excluded.fee_on_top, fee_returns = excluded.fee_returns,
     single_minimum = excluded.single_minimum, single_maximum = excluded.single_maximum,
     day_count_maximum = excluded.day_count_maximum, day_amount_maximum = excluded.day_amount_maximum,
     month_amount_maximum = excluded.month_amount_maximum, review_above = excluded.review_above,
     channel_accounts = excluded.channel_accounts, automatic_beneficiary_id = excluded.automatic_beneficiary_id,
     automatic_minimum = excluded.automatic_minimum, automatic_keep = excluded.automatic_keep,
     updated_at = excluded.updated_at`,
);

/** Writes the rules in place of any before. */
export async function saveSettings(sql: Sql, s: PayoutSettings, now: number): Promise<void> {
  await sql.query(saveStatement, [
    ...keyOf(s),
    ...[s.fee_rate_ppm, s.fee_fixed_amount, s.fee_floor_amount, s.fee_cap_amount, s.fee_on_top, s.fee_returns],
    ...[s.single_minimum, s.single_maximum, s.day_count_maximum, s.day_amount_maximum, s.month_amount_maximum],
    ...[s.review_above, plainArray(s.channel_accounts), s.automatic_beneficiary_id, s.automatic_minimum],
    ...[s.automatic_keep, toRfc3339(now)],
  ]);
}

const costStatement = platformStatement(
  "payout_costs.select",
  `select rate_ppm, fixed_amount, floor_amount, cap_amount from payout_costs
   where channel_account_id = $1 and livemode = $2 and currency = $3`,
);

export async function loadCost(sql: Sql, key: CostKey): Promise<TransferCost | undefined> {
  const values = [key.channel_account_id ?? UUID_MIN, key.livemode, key.currency];
  return (await sql.query<TransferCost>(costStatement, values))[0];
}

const saveCostStatement = platformStatement(
  "payout_costs.save",
  `insert into payout_costs (channel_account_id, livemode, currency, rate_ppm, fixed_amount, floor_amount, cap_amount,
     updated_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8::timestamptz)
   on conflict (channel_account_id, livemode, currency) do update set rate_ppm = excluded.rate_ppm,
     fixed_amount = excluded.fixed_amount, floor_amount = excluded.floor_amount, cap_amount = excluded.cap_amount,
     updated_at = excluded.updated_at`,
);

export async function saveCost(sql: Sql, key: CostKey, cost: TransferCost, now: number): Promise<void> {
  await sql.query(saveCostStatement, [
    ...[key.channel_account_id ?? UUID_MIN, key.livemode, key.currency],
    ...[cost.rate_ppm, cost.fixed_amount, cost.floor_amount, cost.cap_amount, toRfc3339(now)],
  ]);
}
