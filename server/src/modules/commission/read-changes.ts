/** What transactions of a merchant's book did to an agent's commission, and what each was about. */
import type { Sql } from "../../kit/sql/database.ts";
import { type AccountChange, accountOf, listAccountChanges } from "../../ledger/index.ts";
import { loadAttempts } from "../payment/index.ts";
import { loadRefunds } from "../refund/index.ts";
import type { CommissionChange } from "./settlement.ts";

const CHANGES_IN_PAGE = 2_000;

/** Which commission: of an agent, in a merchant's book. */
export interface CommissionRange {
  merchant_id: string;
  agent_id: string;
  livemode: boolean;
  currency: string;
  first_number: bigint;
  last_number: bigint;
}

/** A change with its place in the book and the payment that it belongs to. */
export interface DatedChange extends CommissionChange {
  readonly number: bigint;
  readonly kind: AccountChange["kind"];
  readonly source_id: string;
  /** Null for a correction. */
  readonly payment_id: string | null;
  readonly occurred_at: number;
}

/** Pages of the range's changes, oldest first; what settled commission is left out. */
export async function* readChanges(sql: Sql, range: CommissionRange): AsyncGenerator<DatedChange[]> {
  for (let { first_number } = range; ; ) {
    const rows = await listAccountChanges(sql, { ...range, account: accountFor(range), first_number }, CHANGES_IN_PAGE);
    yield await describe(sql, range.merchant_id, rows);
    if (rows.length < CHANGES_IN_PAGE) return;
    first_number = rows.at(-1)!.number + 1n;
  }
}

/** The first changes of the range in that order, `limit` of them where there are as many. */
export async function listChanges(
  sql: Sql,
  range: CommissionRange,
  limit: number,
  order: "asc" | "desc",
): Promise<DatedChange[]> {
  const account = accountFor(range);
  const found: DatedChange[] = [];
  // What settled commission is left out, so there may be more behind a page that it shortened.
  for (let { first_number, last_number } = range; ; ) {
    const rows = await listAccountChanges(sql, { ...range, first_number, last_number, account }, limit, order);
    found.push(...(await describe(sql, range.merchant_id, rows)));
    if (found.length >= limit || rows.length < limit) return found.slice(0, limit);
    const { number } = rows.at(-1)!;
    if (order === "asc") first_number = number + 1n;
    else last_number = number - 1n;
  }
}

function accountFor({ currency, agent_id }: CommissionRange) {
  return accountOf("commission_payable", currency, agent_id);
}

async function describe(sql: Sql, merchant_id: string, rows: readonly AccountChange[]): Promise<DatedChange[]> {
  const changes = rows.filter(({ kind }) => kind !== "commission_settled" && kind !== "commission_received");
  const keysOf = (ids: Iterable<string>) => [...new Set(ids)].map((id) => ({ merchant_id, id }));
  const of = (...kinds: AccountChange["kind"][]) =>
    keysOf(changes.filter(({ kind }) => kinds.includes(kind)).map(({ source_id }) => source_id));
  const refunds = await loadRefunds(sql, of("refund_initiated", "refund_failed"));
  const refunded = keysOf([...refunds.values()].map(({ attempt_id }) => attempt_id));
  const attempts = await loadAttempts(sql, [...of("payment_succeeded"), ...refunded]);
  return changes.map((change): DatedChange => {
    const refund = refunds.get(change.source_id);
    const attempt = attempts.get(refund?.attempt_id ?? change.source_id);
    const type = typeOf(change.kind);
    const turnover = refund?.amount ?? attempt?.amount ?? 0n;
    return { ...change, type, method: attempt?.method, turnover, payment_id: attempt?.payment_id ?? null };
  });
}

function typeOf(kind: AccountChange["kind"]): CommissionChange["type"] {
  switch (kind) {
    case "payment_succeeded":
      return "payment";
    case "refund_initiated":
      return "refund";
    case "refund_failed":
      return "refund_failed";
    default:
      return "correction";
  }
}
