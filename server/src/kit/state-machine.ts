/**
 * State tables are data: each state with the states it may move to. The move itself is one guarded UPDATE in the
 * owner's store; this room only says what is allowed, and proves that a table is sound.
 */
export type Transitions<State extends string> = Readonly<Record<State, readonly State[]>>;

/** Whether the table lists the move. */
export function canMove<State extends string>(table: Transitions<State>, from: State, to: State): boolean {
  return table[from].includes(to);
}

/** States from which `to` may be reached in one move: the `WHERE status = ANY(…)` of a guarded update. */
export function statesBefore<State extends string>(table: Transitions<State>, to: State): State[] {
  return (Object.keys(table) as State[]).filter((from) => canMove(table, from, to));
}

/** States that nothing leaves. */
export function terminalStates<State extends string>(table: Transitions<State>): State[] {
  return (Object.keys(table) as State[]).filter((state) => table[state].length === 0);
}

/** States that cannot be reached from `start`. A sound table has none. */
export function unreachableStates<State extends string>(table: Transitions<State>, start: State): State[] {
  const seen = new Set<State>([start]);
  const queue: State[] = [start];
  for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
    for (const next of table[state]) {
      if (seen.has(next)) continue;
      seen.add(next);
      queue.push(next);
    }
  }
  return (Object.keys(table) as State[]).filter((state) => !seen.has(state));
}

/** The table as a Mermaid diagram, for the docs. */
export function drawStates<State extends string>(table: Transitions<State>, start: State): string {
  const lines = ["stateDiagram-v2", `  [*] --> ${start}`];
  for (const from of Object.keys(table) as State[]) {
    for (const to of table[from]) lines.push(`  ${from} --> ${to}`);
    if (table[from].length === 0) lines.push(`  ${from} --> [*]`);
  }
  return lines.join("\n");
}
