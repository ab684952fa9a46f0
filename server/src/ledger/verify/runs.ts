/** What is kept of each verification. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import type { Findings } from "./findings.ts";

export type VerificationKind = "full" | "incremental";

export interface Verification {
  id: string;
  kind: VerificationKind;
  /** Epoch milliseconds. */
  started_at: number;
  finished_at: number;
  findings: Findings;
}

const DIFFERENCES_KEPT = 100;

const insertStatement = platformStatement(
  "ledger.insert_verification",
  `insert into ledger_verifications (id, kind, started_at, finished_at, findings, difference_count)
   values ($1, $2, $3::timestamptz, $4::timestamptz, $5::jsonb, $6)`,
);

/** Writes a run down, with the first of what differed. */
export async function insertVerification(sql: Sql, run: Verification): Promise<void> {
  const findings = { ...run.findings, differences: run.findings.differences.slice(0, DIFFERENCES_KEPT) };
  await sql.query(insertStatement, [
    run.id,
    run.kind,
    toRfc3339(run.started_at),
    toRfc3339(run.finished_at),
    JSON.stringify(findings),
    findings.difference_count,
  ]);
}

// What a full run found may lie before all that was proved: nothing proves anything until a run from the beginning is clean.
const lastProofStatement = platformStatement(
  "ledger.last_proof",
  `select max(started_at) as at from ledger_verifications
   where difference_count = 0 and started_at > coalesce((
     select max(finished_at) from ledger_verifications where kind = 'full' and difference_count > 0), '-infinity')`,
);

/** When the last run that found nothing wrong began; undefined when there was none, or a full run has found something since. */
export async function loadLastProof(sql: Sql): Promise<number | undefined> {
  const [row] = await sql.query<{ at: number | null }>(lastProofStatement);
  return row?.at ?? undefined;
}

const listStatement = platformStatement(
  "ledger.list_verifications",
  "select id, kind, started_at, finished_at, findings from ledger_verifications order by started_at desc, id desc limit $1",
);

/** The latest runs, the newest first. */
export function listVerifications(sql: Sql, limit: number): Promise<Verification[]> {
  return sql.query<Verification>(listStatement, [limit]);
}
