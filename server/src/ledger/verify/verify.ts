import type { Database, Sql } from "../../kit/sql/database.ts";
import { createFindings, type Findings } from "./findings.ts";
import { sources } from "./sources/index.ts";
import { verifyBooks } from "./verify-books.ts";
import { verifyPayments } from "./verify-payments.ts";
import { verifyQuotas } from "./verify-quotas.ts";
import { verifyReserves } from "./verify-reserves.ts";
import { verifyReversals } from "./verify-reversals.ts";
import { verifySettlementRanges } from "./verify-settlements.ts";

/**
 * Proves the books, on one snapshot of the database while it goes on working: every transaction sums to zero, balances
 * are those of their entries, bounds hold, whatever calls for postings has exactly them, and settlements leave nothing out.
 */
export function verify(db: Database): Promise<Findings> {
  return db.snapshot(verifyLanes);
}

/** The same on what `sql` sees; statements must see one state for the findings to make sense. */
export function verifySnapshot(sql: Sql): Promise<Findings> {
  return verifyLanes([sql, sql, sql]);
}

async function verifyLanes([journal, beside, facts]: readonly [Sql, Sql, Sql]): Promise<Findings> {
  const findings = createFindings();
  await Promise.all([verifyBooks({ journal, sources: beside }, findings), verifyFacts(facts, findings)]);
  return findings;
}

async function verifyFacts(sql: Sql, findings: Findings): Promise<void> {
  for (const source of sources) await source.verifyRows(sql, findings, null);
  await verifyReversals(sql, findings);
  await verifyPayments(sql, findings);
  await verifyQuotas(sql, findings);
  await verifySettlementRanges(sql, findings);
  await verifyReserves(sql, findings);
}
