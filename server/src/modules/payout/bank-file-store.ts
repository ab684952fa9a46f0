/** SQL on files for the bank. They are made across merchants, by operators. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import { keyArrays } from "../../kit/sql/tenant-key.ts";
import type { Payout } from "./payout.ts";

export interface BankFile {
  readonly id: string;
  readonly livemode: boolean;
  readonly currency: string;
  readonly payout_count: number;
  /** What the beneficiaries get. */
  readonly amount: bigint;
  readonly created_by: string;
  readonly created_at: number;
}

const claimStatement = platformStatement(
  "payout_bank_file.claim",
  `select * from payouts where livemode = $1 and currency = $2 and channel = 'bank' and status = 'pending'
   order by livemode, currency, merchant_id, id limit $3::int for update skip locked`,
);

/** Locks what waits for the bank; what another file is taking is left out. */
export async function claimForBank(
  tx: Transaction,
  livemode: boolean,
  currency: string,
  limit: number,
): Promise<Payout[]> {
  return tx.query<Payout>(claimStatement, [livemode, currency, limit]);
}

const insertStatement = platformStatement(
  "payout_bank_file.insert",
  `insert into payout_bank_files (id, livemode, currency, payout_count, amount, created_by, created_at)
   values ($1, $2, $3, $4, $5, $6, $7::timestamptz)`,
);

export async function insertBankFile(tx: Transaction, file: BankFile): Promise<void> {
  const { id, livemode, currency, payout_count, amount, created_by, created_at } = file;
  await tx.query(insertStatement, [id, livemode, currency, payout_count, amount, created_by, toRfc3339(created_at)]);
}

const moveStatement = tenantStatement(
  "payout_bank_file.move",
  `update payouts set status = 'sent', bank_file_id = $3, sent_at = $4::timestamptz
   where (merchant_id, id) in (select * from unnest($1::uuid[], $2::uuid[])) and status = 'pending'`,
);

/** The guarded move of all that a file holds. The caller holds their locks. */
export async function moveToFile(tx: Transaction, file: BankFile, payouts: readonly Payout[]): Promise<void> {
  await tx.query(moveStatement, [...keyArrays(payouts), file.id, toRfc3339(file.created_at)]);
}

const selectStatement = platformStatement("payout_bank_file.select", "select * from payout_bank_files where id = $1");

/** The file of that id, without its payouts. */
export async function loadBankFile(sql: Sql, id: string): Promise<BankFile | undefined> {
  return (await sql.query<BankFile>(selectStatement, [id]))[0];
}

const listStatements = (["desc", "asc"] as const).map((order) =>
  platformStatement(
    `payout_bank_file.list_${order}`,
    `select * from payout_bank_files where id > $1 and id < $2 order by id ${order} limit $3`,
  ),
);

/** Files in the page's order. */
export async function listBankFiles(
  sql: Sql,
  page: Pick<Page, "older_than" | "newer_than" | "order" | "fetch">,
): Promise<BankFile[]> {
  const [newestFirst, oldestFirst] = listStatements;
  const values = [page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX, page.fetch];
  return sql.query<BankFile>(page.order === "desc" ? newestFirst! : oldestFirst!, values);
}

const PAYOUTS_IN_PAGE = 200;

const pageStatement = platformStatement(
  "payout_bank_file.payouts",
  `select * from payouts where bank_file_id = $1 and (merchant_id, id) > ($2::uuid, $3::uuid)
   order by merchant_id, id limit ${PAYOUTS_IN_PAGE}`,
);

/** The payouts of a file, always in the same order. */
export async function* listOfFile(sql: Sql, id: string): AsyncGenerator<Payout[]> {
  for (let place = { merchant_id: UUID_MIN, id: UUID_MIN }; ; ) {
    const page = await sql.query<Payout>(pageStatement, [id, place.merchant_id, place.id]);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    place = last;
  }
}

const findStatement = platformStatement("payout_bank_file.find_payout", "select * from payouts where id = $1");

/** A payout of any merchant, for operators. */
export async function loadOfAnyMerchant(sql: Sql, id: string): Promise<Payout | undefined> {
  return (await sql.query<Payout>(findStatement, [id]))[0];
}
