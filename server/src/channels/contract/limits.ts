/** How long, how often and how soon a channel takes what it is asked. */
export interface ChannelLimits {
  /** How long after payment a refund may still be asked for, in milliseconds. */
  readonly refund_window_ms: number;
  readonly refunds_per_payment_max: number;
  /** How long after creation the channel still answers a query for the order, in milliseconds. */
  readonly query_window_ms: number;
  /** How soon after a refund request its result may be asked for, in milliseconds. */
  readonly refund_query_delay_ms: number;
}
