/** What a statement is. */
import type { PastBalance, Period, Turnover } from "../../ledger/index.ts";

/** Whose day is asked for. */
export interface StatementRequest {
  readonly merchant_id: string;
  readonly livemode: boolean;
  /** `2026-11-20`, where the merchant is. */
  readonly date: string;
  /** All currencies unless given. */
  readonly currency?: string | undefined;
}

/** A day of a merchant, as a part of its journal. */
export interface StatementDay {
  readonly date: string;
  /** IANA name. */
  readonly time_zone: string;
  /** The first instant of the day, and of the next one; epoch milliseconds. */
  readonly from: number;
  readonly to: number;
  /** Whether nothing more can be booked on it. */
  readonly is_final: boolean;
  /** The transactions that were booked on it. */
  readonly period: Period;
}

/** One account of the book on that day; `balance` is that at its beginning. */
export interface StatementAccount extends PastBalance, Turnover {}

export interface Statement extends StatementDay {
  /** The accounts that merchants see and that were ever posted to, those kept for each channel account by themselves. */
  readonly accounts: readonly StatementAccount[];
}
