import type { Clock } from "../../kit/clock.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Logger } from "../../kit/log.ts";
import type { Database, Transaction } from "../../kit/sql/database.ts";
import type { ApprovalServices } from "../approval/index.ts";
import type { Settlement } from "./settlement.ts";

/**
 * What others do in the transaction that posts settlements, with all of a group at once: what became available may be
 * paid out. The merchants' books are locked, so it must be quick: a row that is due, and the work later.
 */
export type OnSettled = (tx: Transaction, settlements: readonly Settlement[]) => Promise<void>;

/** What the use cases of this module need. */
export interface SettlementServices {
  db: Database;
  clock: Clock;
  ids: IdSource;
  log: Logger;
  /** Tells the workers that deliveries are due. */
  kick: { webhooks(): void };
  approval: ApprovalServices;
  onSettled?: OnSettled;
}
