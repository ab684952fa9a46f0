/** Statements: what a person says of money that no machine of the channel tells of. */
import type { Money } from "../../kit/money.ts";
import type { ChannelContext, WireNotice } from "../contract.ts";

/** What somebody who sees the channel's side, such as the statement of a bank account, says of one order or refund. */
export type Statement =
  | {
      readonly kind: "received";
      readonly serial_no: string;
      readonly amount: Money;
      /** The channel's own number of this money: taken once for each account. */
      readonly channel_trade_no: string;
      /** Epoch milliseconds. */
      readonly at: number;
    }
  | {
      readonly kind: "refund_sent";
      readonly refund_no: string;
      readonly serial_no: string;
      readonly amount: Money;
      readonly channel_refund_no: string;
      readonly at: number;
    }
  | {
      readonly kind: "refund_failed";
      readonly refund_no: string;
      readonly serial_no: string;
      readonly amount: Money;
      readonly reason: string;
      readonly at: number;
    };

/** A channel whose orders and refunds a person confirms. Its `query` and `queryRefund` know of nothing. */
export interface Statements {
  /** The `channel_order_no` of an order that a person names by it, or by its `serial_no`; undefined when it is neither. */
  readOrderNo(text: string): string | undefined;
  /**
   * The statement as a notice of this account, signed with a secret of its own: `readNotice` reads it back, wherever it was
   * written. So what a person says takes the way of every other notice.
   */
  write(context: ChannelContext, statement: Statement): WireNotice;
}
