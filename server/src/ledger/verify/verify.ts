import { type Clock, toRfc3339 } from "../../kit/clock.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Database, Sql } from "../../kit/sql/database.ts";
import { createFindings, type Findings } from "./findings.ts";
import { insertVerification, loadLastProof, type VerificationKind } from "./runs.ts";
import { sources } from "./sources/index.ts";
import { type ProvedPoint, saveProvedPoints } from "./store.ts";
import { verifyBooks } from "./verify-books.ts";
import { verifyCommissions } from "./verify-commissions.ts";
import { verifyOperations } from "./verify-operations.ts";
import { verifyPayments } from "./verify-payments.ts";
import { verifyQuotas } from "./verify-quotas.ts";
import { verifyReserves } from "./verify-reserves.ts";
import { verifyReversals } from "./verify-reversals.ts";
import { verifyServiceFees } from "./verify-service-fees.ts";
import { verifySettlementRanges } from "./verify-settlements.ts";
import { verifyShares } from "./verify-shares.ts";

/** A source may come to call for something a while before it is committed and can be seen. */
const UNSEEN_MS = 900_000;

/**
 * Proves the books, on one snapshot of the database while it goes on working: every transaction sums to zero, balances
 * are those of their entries, bounds hold, whatever calls for postings has exactly them, and settlements leave nothing out.
 */
export async function verify(db: Database): Promise<Findings> {
  const { findings } = await db.snapshot((lanes) => verifyLanes(lanes, undefined));
  return findings;
}

/** The same on what `sql` sees; statements must see one state for the findings to make sense. */
export async function verifySnapshot(sql: Sql): Promise<Findings> {
  const { findings } = await verifyLanes([sql, sql, sql], undefined);
  return findings;
}

/**
 * Proves the books and remembers it. An incremental run looks at what was written since the last run that found nothing
 * wrong: it goes on from the balances that were proved then, and sees no change of what lies before. Without such a run,
 * and when it finds differences, the next one begins where this one did.
 */
export async function verifyAndRecord(
  { db, clock, ids }: { db: Database; clock: Clock; ids: IdSource },
  kind: VerificationKind,
): Promise<Findings> {
  const started_at = clock.now();
  const { findings, points } = await db.snapshot(async (lanes) => {
    const before = kind === "incremental" ? await loadLastProof(lanes[0]) : undefined;
    return verifyLanes(lanes, before === undefined ? undefined : toRfc3339(before - UNSEEN_MS));
  });
  await db.transaction(async (tx) => {
    if (findings.difference_count === 0) await saveProvedPoints(tx, points);
    await insertVerification(tx, { id: ids.uuid(), kind, started_at, finished_at: clock.now(), findings });
  });
  return findings;
}

async function verifyLanes(
  [journal, beside, facts]: readonly [Sql, Sql, Sql],
  since: string | undefined,
): Promise<{ findings: Findings; points: ProvedPoint[] }> {
  const findings = createFindings();
  const [points] = await Promise.all([
    verifyBooks({ journal, sources: beside }, findings, since !== undefined),
    verifyFacts(facts, findings, since ?? null),
  ]);
  return { findings, points };
}

/** What is checked beside the journal: all of it, or what came to be since an instant. */
async function verifyFacts(sql: Sql, findings: Findings, since: string | null): Promise<void> {
  for (const source of sources) await source.verifyRows(sql, findings, since);
  await verifyReversals(sql, findings, since);
  await verifyOperations(sql, findings);
  await verifyPayments(sql, findings, since);
  await verifyShares(sql, findings, since);
  await verifyQuotas(sql, findings);
  await verifySettlementRanges(sql, findings, since);
  await verifyReserves(sql, findings);
  await verifyCommissions(sql, findings, since);
  await verifyServiceFees(sql, findings, since);
}
