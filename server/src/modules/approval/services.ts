import type { Clock } from "../../kit/clock.ts";
import { invariant } from "../../kit/error.ts";
import type { IdKind, IdSource } from "../../kit/id.ts";
import type { Logger } from "../../kit/log.ts";
import type { Database, Transaction } from "../../kit/sql/database.ts";
import type { Approval } from "./approval.ts";

/** Keeps an act until the transaction has committed: a worker that is kicked before would find nothing. */
export type AfterCommit = (act: () => void) => void;

/**
 * What is done with approvals of a kind, in the transaction of the decision. An error of the catalogue that it throws
 * undoes the decision and is shown to whoever decided.
 */
export interface ApprovalHandler {
  /** What `subject_id` is the id of, for showing it. */
  readonly subject?: IdKind;
  /** Carries out what was asked for. Called once for each approval. */
  approve(tx: Transaction, approval: Approval, afterCommit: AfterCommit): Promise<void>;
  /**
   * For what calls a channel or runs transactions of its own: `approve` only checks then, and this does it after the decision
   * has committed, at least once, also after a crash. What it refuses (an error of the catalogue that is not to be tried
   * again) is shown as the approval's `problem`.
   */
  carryOut?(approval: Approval): Promise<void>;
  /** It ended otherwise: `approval.status` says whether it was rejected, cancelled or has expired. */
  reject?(tx: Transaction, approval: Approval, afterCommit: AfterCommit): Promise<void>;
}

/** What the use cases of this module need. */
export interface ApprovalServices {
  readonly db: Database;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly log: Logger;
  /** By kind; filled by `registerApprovalHandlers` when modules are put together. */
  readonly handlers: Map<string, ApprovalHandler>;
}

/** Says who carries out approvals of some kinds. A kind has one handler. */
export function registerApprovalHandlers(
  { handlers }: Pick<ApprovalServices, "handlers">,
  added: Readonly<Record<string, ApprovalHandler>>,
): void {
  for (const [kind, handler] of Object.entries(added)) {
    invariant(!handlers.has(kind), `approvals of kind ${kind} have a handler already`);
    handlers.set(kind, handler);
  }
}

export function handlerOf({ handlers }: Pick<ApprovalServices, "handlers">, kind: string): ApprovalHandler {
  const handler = handlers.get(kind);
  invariant(handler, `approvals of kind ${kind} have no handler`);
  return handler;
}

/** Collects what is to be done after the commit. */
export function collectAfterCommit(): { afterCommit: AfterCommit; committed: () => void } {
  const acts: (() => void)[] = [];
  return {
    afterCommit: (act) => void acts.push(act),
    committed: () => {
      for (const act of acts.splice(0)) act();
    },
  };
}
