/** One thing that an operator did, or tried. Instants in epoch milliseconds. */
export interface OperatorAction {
  /** UUID. */
  readonly id: string;
  readonly user_id: string;
  readonly source: "api" | "cli";
  /** The name of what was done: the route's `operationId`, or the command and its action. */
  readonly operation: string;
  /** Where: the method and path with its ids, or the command. Never what was sent. */
  readonly target: string;
  /** Why, where the operation asks for it. */
  readonly reason: string | null;
  readonly address: string | null;
  readonly request_id: string | null;
  readonly started_at: number;
  /** HTTP status of the answer (200 and 400 for commands); null while it is not known how it ended. */
  readonly status: number | null;
  /** Code of the catalogue, where it was refused. */
  readonly code: string | null;
  /** Public id of what it made or changed. */
  readonly object_id: string | null;
  readonly finished_at: number | null;
}

export type ActionOutcome = Pick<OperatorAction, "code" | "object_id"> & {
  readonly status: number;
  readonly finished_at: number;
};
