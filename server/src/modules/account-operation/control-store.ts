/** All SQL on controls of accounts. Who has no row is open and not frozen. */
import { toRfc3339 } from "../../kit/clock.ts";
import { invariant } from "../../kit/error.ts";
import { plainArray, textArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { tenantStatement } from "../../kit/sql/statement.ts";
import type { AccountKey, Controls } from "./control.ts";

export type ControlsRow = AccountKey & Controls;

const columns = "c.merchant_id, c.livemode, c.currency, c.status, c.credit_frozen, c.debit_frozen, c.refunds_frozen";
const wanted = "unnest($1::uuid[], $2::boolean[], $3::text[]) as k (merchant_id, livemode, currency)";

// In the order of the keys, so that two transactions that share accounts wait rather than deadlock.
const shareStatement = tenantStatement(
  "account.share_controls",
  `select ${columns} from account_controls c
   where (c.merchant_id, c.livemode, c.currency) in (select * from ${wanted})
   order by c.merchant_id, c.livemode, c.currency for share`,
);

const openStatement = tenantStatement(
  "account.open_controls",
  `insert into account_controls (merchant_id, livemode, currency, updated_at)
   select k.merchant_id, k.livemode, k.currency, 'epoch'::timestamptz from ${wanted} order by 1, 2, 3
   on conflict do nothing`,
);

/**
 * Holds the controls of accounts until the transaction ends: whoever changes them waits, and so do we for a change under way.
 * The first time an account is asked for it gets a row, because there must be something to lock.
 */
export async function holdControls(tx: Transaction, keys: readonly AccountKey[]): Promise<ControlsRow[]> {
  const distinct = [...new Map(keys.map((key) => [nameOf(key), key])).values()];
  if (distinct.length === 0) return [];
  const rows = await tx.query<ControlsRow>(shareStatement, arraysOf(distinct));
  if (rows.length === distinct.length) return rows;
  await tx.query(openStatement, arraysOf(distinct));
  return tx.query<ControlsRow>(shareStatement, arraysOf(distinct));
}

/** A name for maps. */
export function nameOf({ merchant_id, livemode, currency }: AccountKey): string {
  return `${merchant_id} ${livemode} ${currency}`;
}

function arraysOf(keys: readonly AccountKey[]): string[] {
  return [
    plainArray(keys.map((key) => key.merchant_id)),
    plainArray(keys.map((key) => key.livemode)),
    textArray(keys.map((key) => key.currency)),
  ];
}

const lockStatement = tenantStatement(
  "account.lock_controls",
  `select ${columns}, c.updated_at = 'epoch'::timestamptz as is_new from account_controls c
   where c.merchant_id = $1 and c.livemode = $2 and c.currency = $3 for update`,
);

/** Locks the controls to change them: waits for everybody who moves money under them. */
export async function lockControls(
  tx: Transaction,
  key: AccountKey,
): Promise<ControlsRow & { /** Nobody has changed them yet. */ readonly is_new: boolean }> {
  await tx.query(openStatement, arraysOf([key]));
  const [row] = await tx.query<ControlsRow & { is_new: boolean }>(lockStatement, [
    key.merchant_id,
    key.livemode,
    key.currency,
  ]);
  invariant(row, "controls were just opened");
  return row;
}

const saveStatement = tenantStatement(
  "account.save_controls",
  `update account_controls set status = $4, credit_frozen = $5, debit_frozen = $6, refunds_frozen = $7,
     updated_at = $8::timestamptz
   where merchant_id = $1 and livemode = $2 and currency = $3`,
);

export async function saveControls(tx: Transaction, key: AccountKey, controls: Controls, now: number): Promise<void> {
  const { status, credit_frozen, debit_frozen, refunds_frozen } = controls;
  const values = [status, credit_frozen, debit_frozen, refunds_frozen, toRfc3339(now)];
  await tx.query(saveStatement, [key.merchant_id, key.livemode, key.currency, ...values]);
}

const listStatement = tenantStatement(
  "account.list_controls",
  `select ${columns} from account_controls c where c.merchant_id = $1 order by c.livemode, c.currency`,
);

/** The controls of a merchant's accounts; those that nobody ever asked for are left out. */
export function loadControls(sql: Sql, merchant_id: string): Promise<ControlsRow[]> {
  return sql.query<ControlsRow>(listStatement, [merchant_id]);
}
