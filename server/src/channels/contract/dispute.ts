/** Disputes (chargebacks): the payer asks the channel, not the merchant, for the money back. */
import type { Money } from "../../kit/money.ts";

export interface ChannelDispute {
  readonly channel_dispute_no: string;
  /** Of the disputed payment, as echoed; one of both is there. */
  readonly serial_no: string | undefined;
  readonly channel_trade_no: string | undefined;
  readonly amount: Money;
  /** The channel's own word. */
  readonly reason: string;
  readonly status: "needs_response" | "under_review" | "won" | "lost" | "closed";
  /** Epoch milliseconds until which evidence is taken; undefined when there is none. */
  readonly respond_by: number | undefined;
  /** Epoch milliseconds of the channel's statement: an older one never replaces a newer one. */
  readonly stated_at: number;
}
