import type { Database, Sql } from "../../kit/sql/database.ts";
import { createFindings, type Findings } from "./findings.ts";
import { verifyBooks } from "./verify-books.ts";
import { verifySettlementRanges } from "./verify-settlements.ts";
import { verifySources } from "./verify-sources.ts";

/**
 * Proves the books, on one snapshot of the database while it goes on working: every transaction sums to zero, balances
 * are those of their entries, bounds hold, payments, refunds and settlements have exactly their postings, and settlements
 * leave nothing out.
 */
export function verify(db: Database): Promise<Findings> {
  return db.snapshot(verifySnapshot);
}

/** The same on what `sql` sees; statements must see one state for the findings to make sense. */
export async function verifySnapshot(sql: Sql): Promise<Findings> {
  const findings = createFindings();
  await verifyBooks(sql, findings);
  await verifySources(sql, findings);
  await verifySettlementRanges(sql, findings);
  return findings;
}
