/** What attempts cost. The only door of the module. */
export { moveQuotas, type QuotaHolder } from "./claim-quotas.ts";
export {
  type ChannelCostRuleInput,
  createChannelCostRule,
  createFeeRule,
  type FeeRuleInput,
} from "./create-rules.ts";
export { stopChannelCostRule, stopFeeRule } from "./end-rule.ts";
export { feeErrors } from "./errors.ts";
export { type Band, type ChannelCostRule, chargeOf, costRuleFor, type FeeRule, type Tariff, type Term } from "./fee.ts";
export { presentFeeRule } from "./present.ts";
export { type PreviewInput, previewFee, type Quote } from "./preview-fee.ts";
export { type Price, type PriceInput, priceAttempts } from "./price-attempts.ts";
export { type Quota, type QuotaPeriod, quotaPeriods } from "./quota.ts";
export { registerFeeRoutes } from "./routes/index.ts";
export { FeeRuleObject } from "./routes/schemas.ts";
export { listFeeRules, loadChannelCostRules, loadFeeRule, pageFeeRules } from "./store.ts";
