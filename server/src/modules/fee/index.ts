/** What attempts cost. The only door of the module. */
export {
  type ChannelCostRuleInput,
  createChannelCostRule,
  createFeeRule,
  type FeeRuleInput,
} from "./create-rules.ts";
export { feeErrors } from "./errors.ts";
export { type ChannelCostRule, chargeOf, costRuleFor, type FeeRule } from "./fee.ts";
export { type Price, type PriceInput, priceAttempts } from "./price-attempts.ts";
export { listFeeRules, loadChannelCostRules } from "./store.ts";
