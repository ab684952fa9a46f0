import { TributaryError } from "../../kit/error.ts";
import { findOperator, type User } from "../user/index.ts";
import type { OperatorServices } from "./services.ts";
import { finishAction, insertAction } from "./store.ts";

export interface GivenCommand {
  /** Email of the operator who acts. No password is asked for: who has the server's shell has its database too. */
  readonly by: string;
  /** Command and action, such as `approval approve`. */
  readonly operation: string;
  /** What the action is about: its arguments, without secrets. */
  readonly target: string;
  readonly reason?: string | null;
}

/**
 * Does what an operator asks for on the command line, and keeps it in the audit trail like a request.
 * @throws user.not_operator
 */
export async function recordCommand<Result>(
  services: Omit<OperatorServices, "log">,
  given: GivenCommand,
  act: (operator: User) => Promise<Result>,
): Promise<Result> {
  const { db, clock, ids } = services;
  const operator = await findOperator(db, given.by);
  const { operation, target, reason = null } = given;
  const action = { id: ids.uuid(), user_id: operator.id, source: "cli" as const, operation, target, reason };
  await insertAction(db, { ...action, address: null, request_id: null, started_at: clock.now() });
  const finish = (status: number, code: string | null) =>
    finishAction(db, action.id, { status, code, object_id: null, finished_at: clock.now() });
  try {
    const result = await act(operator);
    await finish(200, null);
    return result;
  } catch (error) {
    if (error instanceof TributaryError) await finish(error.entry.status, error.code);
    throw error;
  }
}
