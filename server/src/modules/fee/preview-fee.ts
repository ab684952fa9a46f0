/** Which rule would price a payment, and what it would come to. Nothing is taken of any quota. */
import type { Clock } from "../../kit/clock.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { chooseRule } from "./claim-quotas.ts";
import { chargeOf } from "./fee.ts";
import type { PriceInput } from "./price-attempts.ts";
import { findRules } from "./store.ts";

/** A channel account through which a payment could go. */
interface Account {
  readonly id: string;
  readonly channel: string;
  readonly funding_mode: "direct" | "pooled";
  readonly methods: readonly string[];
}

export interface PreviewServices {
  readonly db: Sql;
  readonly clock: Clock;
  readonly accounts: { listForMerchant(book: { merchant_id: string; livemode: boolean }): Promise<readonly Account[]> };
}

export interface PreviewInput extends Pick<PriceInput, "merchant_id" | "livemode" | "app_id" | "method" | "store"> {
  readonly currency: string;
  readonly amount: bigint;
  /** Epoch milliseconds; now unless given. */
  readonly at?: number | undefined;
}

/** Amounts in minor units. */
export interface Quote {
  readonly account: Account;
  readonly rule_id: string | null;
  readonly fee: bigint;
  /** The amount less the fee, and in pooled mode what the merchant is credited. */
  readonly net: bigint;
  readonly refund_returns_fee: boolean;
  /** Where a promotion prices it. */
  readonly quota_period: string | null;
  readonly cost_rule_id: string | null;
  /** What the channel takes of the platform. */
  readonly cost: bigint;
}

/** A quote for each of the merchant's accounts that offers the method, the preferred one first. */
export async function previewFee(services: PreviewServices, input: PreviewInput): Promise<Quote[]> {
  const accounts = await services.accounts.listForMerchant(input);
  const able = accounts.filter(({ methods }) => methods.includes(input.method));
  return Promise.all(able.map((account) => quote(services, input, account)));
}

async function quote({ db, clock }: PreviewServices, input: PreviewInput, account: Account): Promise<Quote> {
  const { channel, funding_mode, id: channel_account_id } = account;
  const priced = { ...input, channel, funding_mode, channel_account_id, at: input.at ?? clock.now() };
  const [{ rule, quota_period }, [found]] = await Promise.all([chooseRule(db, priced), findRules(db, [priced])]);
  const cost = funding_mode === "pooled" ? found!.cost : undefined;
  const fee = rule ? chargeOf(rule, input.amount) : 0n;
  return {
    account,
    rule_id: rule?.id ?? null,
    fee,
    net: input.amount - fee,
    refund_returns_fee: rule?.returns ?? true,
    quota_period,
    cost_rule_id: cost?.id ?? null,
    cost: cost ? chargeOf(cost, input.amount) : 0n,
  };
}
