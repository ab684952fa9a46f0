/** The channel's bills: its own record of a day, against which ours is checked. */
import type { ChannelAccount, ChannelFailure, ChannelOperation, Unknown, WireRequest } from "../contract.ts";

/** `trade`: orders and refunds. `fund_flow`: every movement of the account's money. */
export type BillKind = "trade" | "fund_flow";

export interface BillInput {
  readonly kind: BillKind;
  /** The channel's business day, `YYYY-MM-DD`. */
  readonly date: string;
}

export type BillOutcome =
  /** The file lies at the channel. It is downloaded as it is; a redirect elsewhere is refused. */
  | {
      readonly kind: "located";
      readonly download: WireRequest;
      readonly compression: "none" | "gzip" | "zip";
      /** Lower-case hex of the SHA-1 of the decompressed bytes, where the channel tells it. */
      readonly sha1?: string;
    }
  /** The answer was the file itself. */
  | { readonly kind: "content"; readonly content: Buffer; readonly compression: "none" | "zip" }
  /** Not made yet: ask again no sooner. */
  | { readonly kind: "not_ready"; readonly retry_after_ms: number }
  /** Final: nothing happened on that day. */
  | { readonly kind: "empty" }
  | { readonly kind: "failed"; readonly failure: ChannelFailure }
  | Unknown;

export interface Bills {
  readonly kinds: readonly BillKind[];
  /** The hour of the next day, in the channel's time zone, from which a day's bill can be asked for: `HH:MM`. */
  readonly ready_at: string;
  /** How long a bill can be fetched, in milliseconds. */
  readonly kept_ms: number;
  /** The origins, such as `https://api.mch.weixin.qq.com`, at which a file of this account may lie. */
  origins(account: ChannelAccount): readonly string[];
  readonly locate: ChannelOperation<BillInput, BillOutcome>;
}
