/** All SQL on confirmed transfers. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";

/** A transfer that somebody has confirmed. Amount in minor units, instants in epoch milliseconds. */
export interface BankTransfer {
  readonly channel_account_id: string;
  readonly direction: "in" | "out";
  readonly bank_reference: string;
  readonly merchant_id: string;
  /** `serial_no` of the attempt, or `refund_no`. */
  readonly number: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly booked_at: number;
  readonly created_at: number;
}

// One bank account may serve many merchants, and a number of the bank's counts once for all of them.
const insertStatement = platformStatement(
  "bank_transfer.insert",
  `insert into bank_transfers (channel_account_id, direction, bank_reference, merchant_id, number, amount, currency,
     booked_at, created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8::timestamptz, $9::timestamptz)
   on conflict do nothing`,
);

const selectStatement = platformStatement(
  "bank_transfer.select",
  "select * from bank_transfers where channel_account_id = $1 and direction = $2 and bank_reference = $3",
);

/** Takes a number of the bank's for a transfer; gives the transfer that has it then, this one or an earlier one. */
export async function claimReference(sql: Sql, transfer: BankTransfer): Promise<BankTransfer | undefined> {
  const key = [transfer.channel_account_id, transfer.direction, transfer.bank_reference];
  await sql.query(insertStatement, [
    ...key,
    transfer.merchant_id,
    transfer.number,
    transfer.amount,
    transfer.currency,
    toRfc3339(transfer.booked_at),
    toRfc3339(transfer.created_at),
  ]);
  return (await sql.query<BankTransfer>(selectStatement, key))[0];
}

const deleteStatement = platformStatement(
  "bank_transfer.delete",
  `delete from bank_transfers
   where channel_account_id = $1 and direction = $2 and bank_reference = $3 and merchant_id = $4 and number = $5`,
);

/** Gives a number of the bank's back that confirmed nothing after all. */
export async function releaseReference(sql: Sql, transfer: BankTransfer): Promise<void> {
  const { channel_account_id, direction, bank_reference, merchant_id, number } = transfer;
  await sql.query(deleteStatement, [channel_account_id, direction, bank_reference, merchant_id, number]);
}
