/** What an agent is. */

export interface Agent {
  /** UUID. Its book, and what merchants' books owe it, are kept under it. */
  readonly id: string;
  /** Null for an agent directly under the platform. */
  readonly parent_id: string | null;
  /** UUIDs from the topmost agent down to itself. */
  readonly path: readonly string[];
  readonly name: string;
  /** Epoch milliseconds. */
  readonly created_at: number;
  /** The first month, `2026-11` by its own calendar, whose commission is not settled. */
  readonly next_month: string;
}

/** Whether an agent is the other one or stands below it. */
export function isWithin(agent: Pick<Agent, "path">, top_id: string): boolean {
  return agent.path.includes(top_id);
}
