/** What routing needs of others. The composition root (main) puts it together. */
import type { LaneHealth } from "../../channels/call.ts";
import type { Channel, Method } from "../../channels/contract.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Database } from "../../kit/sql/database.ts";
import type { RoutedAccount } from "../channel-account/index.ts";
import type { RoutingDecision } from "./decide.ts";

export interface Book {
  readonly merchant_id: string;
  readonly livemode: boolean;
}

/** How a merchant's attempts through one account ended. */
export interface OutcomeCount {
  readonly channel_account_id: string;
  readonly succeeded: number;
  readonly failed: number;
}

/** A payment as it was routed. */
export interface PastAttempt {
  /** UUIDs. */
  readonly id: string;
  readonly payment_id: string;
  readonly app_id: string;
  readonly channel_account_id: string;
  readonly method: Method;
  readonly amount: bigint;
  readonly currency: string;
  readonly store: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly payer: RoutedPayer;
  readonly routing: RoutingDecision | null;
  readonly created_at: number;
}

/** A payer by whom a payment may stick to an account. */
export interface RoutedPayer {
  readonly openid?: string;
  readonly buyer_id?: string;
}

/** What the payment module tells. */
export interface PastAttempts {
  /** How the newest attempts since then ended, at most a few thousand of them. */
  countOutcomes(book: Book, since: number): Promise<readonly OutcomeCount[]>;
  /** What succeeded through an account since then, in minor units. */
  sumSucceeded(
    merchant_id: string,
    account: { channel_account_id: string; currency: string },
    since: number,
  ): Promise<bigint>;
  /** First attempts of payments, the oldest first. */
  list(
    book: Book & { readonly app_id: string },
    period: { readonly from: number; readonly to: number; readonly after: string | null; readonly limit: number },
  ): Promise<readonly PastAttempt[]>;
}

export interface RoutingServices {
  readonly db: Database;
  readonly clock: Clock;
  getChannel(id: string): Channel | undefined;
  readonly accounts: { listBound(book: Book): Promise<readonly RoutedAccount[]> };
  readonly channels: {
    refuses(account_id: string, operation: "pay"): "breaker" | "bulkhead" | undefined;
    health(account_id: string): readonly LaneHealth[];
  };
  readonly past: PastAttempts;
  /** Whether the merchant's new payments in direct mode are stopped: its service fees are not paid. Costs no query. */
  isDirectStopped(book: Book & { readonly currency: string }): boolean;
}
