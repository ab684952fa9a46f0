/** What a settlement of commission is. Amounts in minor units, instants in epoch milliseconds. */

/** What an agent is settled in: one of its books and a currency. */
export interface CommissionKey {
  /** The agent, whose own book it is. */
  readonly merchant_id: string;
  readonly livemode: boolean;
  readonly currency: string;
}

/** One agent's month. */
export interface CommissionSettlement extends CommissionKey {
  readonly id: string;
  /** `2026-11`, by the agent's calendar. */
  readonly month: string;
  /** What was posted then or later is not in it. */
  readonly ends_at: number;
  readonly status: "collecting" | "settled";
  /** The merchants whose books give a part. */
  readonly members: readonly string[];
  /** All parts together. */
  readonly total: bigint;
  readonly brought_forward: bigint;
  readonly carried_forward: bigint;
  /** What became available. */
  readonly amount: bigint;
  readonly created_at: number;
  readonly settled_at: number | null;
}

/** What one merchant's book gives. */
export interface CommissionPart {
  readonly merchant_id: string;
  readonly id: string;
  readonly agent_id: string;
  readonly settlement_id: string;
  readonly livemode: boolean;
  readonly currency: string;
  readonly ends_at: number;
  /** The book's transactions that it takes, both included; the last is one less than the first where there are none. */
  readonly first_number: bigint;
  readonly last_number: bigint;
  readonly amount: bigint;
  readonly created_at: number;
}

/** What a part consists of, by method; an empty method stands for corrections. */
export interface CommissionLine {
  readonly method: string;
  readonly payment_count: bigint;
  readonly payment_amount: bigint;
  readonly earned: bigint;
  /** Less refunds that failed; amounts are negative. */
  readonly refund_count: bigint;
  readonly refund_amount: bigint;
  readonly returned: bigint;
}

/** One transaction that moved a commission, and what it was about. */
export interface CommissionChange {
  /** Undefined for a correction. */
  readonly method: string | undefined;
  readonly type: "payment" | "refund" | "refund_failed" | "correction";
  /** Of the payment or refund. */
  readonly turnover: bigint;
  /** What it did to what the agent is owed. */
  readonly amount: bigint;
}

type Figures = { -readonly [Name in keyof CommissionLine]: CommissionLine[Name] };

/** Adds changes to lines, by method. */
export function addToLines(lines: Map<string, Figures>, changes: readonly CommissionChange[]): void {
  for (const { method = "", type, turnover, amount } of changes) {
    const line = lines.get(method) ?? emptyLine(method);
    lines.set(method, line);
    if (type === "payment") {
      line.payment_count += 1n;
      line.payment_amount += turnover;
      line.earned += amount;
    } else if (type === "correction") {
      line.earned += amount;
    } else {
      line.refund_count += type === "refund" ? 1n : -1n;
      line.refund_amount += type === "refund" ? -turnover : turnover;
      line.returned += amount;
    }
  }
}

function emptyLine(method: string): Figures {
  const counts = { payment_count: 0n, payment_amount: 0n, refund_count: 0n, refund_amount: 0n };
  return { method, ...counts, earned: 0n, returned: 0n };
}

/** What the lines come to. */
export function totalOf(lines: Iterable<Pick<CommissionLine, "earned" | "returned">>): bigint {
  let total = 0n;
  for (const { earned, returned } of lines) total += earned + returned;
  return total;
}

/** What becomes available of what is owed, and what stays: a debt, and everything while the account takes no credit. */
export function divide(owed: bigint, is_stopped: boolean): { amount: bigint; carried_forward: bigint } {
  const carried_forward = owed < 0n || is_stopped ? owed : 0n;
  return { amount: owed - carried_forward, carried_forward };
}
