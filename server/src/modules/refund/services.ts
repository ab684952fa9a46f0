/** What the use cases of this module need. */
import type { ChannelCaller } from "../../channels/call.ts";
import type { Channel, SharingPart } from "../../channels/contract.ts";
import type { Clock } from "../../kit/clock.ts";
import type { TributaryError } from "../../kit/error.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Logger } from "../../kit/log.ts";
import type { Database, Transaction } from "../../kit/sql/database.ts";
import type { Attempt, ChannelAccounts, Payment } from "../payment/index.ts";
import type { RefundItem, RefundResult } from "./create-refund.ts";
import type { RefundOutcomeItem, RefundOutcomeResult } from "./record-refund-outcomes.ts";
import type { Refund } from "./refund.ts";

/** The sharing module's part of refunds. Asked for payments of which something is shared, and for no other. */
export interface SharedRefunds {
  /**
   * What receivers have to do with a refund that is about to be made, under the payment's lock.
   * @param owed what the merchant pays of it.
   */
  plan(tx: Transaction, wanted: WantedRefund): Promise<SharedRefundPlan>;
  /** The parts that receivers give back within the channel's refund. */
  partsOf(refund: Refund): Promise<readonly SharingPart[]>;
  /** Records with the end of a refund what receivers gave back within it, under the payment's lock. */
  end(tx: Transaction, refund: Refund, succeeded: boolean, at: number): Promise<void>;
  /** Returns became due. */
  kick(): void;
}

export interface WantedRefund {
  payment: Payment;
  attempt: Attempt;
  refund: Refund;
  /** The payment's refunds that did not fail. */
  earlier: readonly Refund[];
}

export type SharedRefundPlan =
  | { readonly kind: "refused"; readonly error: TributaryError }
  /** Receivers give `from_receivers` back within the channel's refund. `write` notes it, once the rest is held. */
  | { readonly kind: "now"; readonly from_receivers: bigint; readonly write: () => Promise<void> }
  /** Receivers must give back before the rest is held. */
  | { readonly kind: "later"; readonly write: () => Promise<void> };

export interface RefundServices {
  db: Database;
  clock: Clock;
  ids: IdSource;
  log: Logger;
  channels: ChannelCaller;
  getChannel(id: string): Channel | undefined;
  accounts: Pick<ChannelAccounts, "open">;
  settings: { public_url: string; distributed: boolean };
  sharing: SharedRefunds;
  kick: { webhooks(): void };
  readonly groups: RefundGroups;
}

/** The grouped writes of the module, made by `createRefundGroups`. */
export interface RefundGroups {
  create(item: RefundItem): Promise<RefundResult>;
  recordOutcome(item: RefundOutcomeItem): Promise<RefundOutcomeResult>;
}
