// Guarantee: whatever rules a merchant and a channel account have, a payment is priced by the one that the documented order
// of precedence names. The oracle below says that order a second time, in plain code that shares nothing with the SQL.
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createManualClock } from "../../kit/clock.ts";
import { createIdSource } from "../../kit/id.ts";
import { systemRandom } from "../../kit/random.ts";
import { openTestBooks, run, type TestBooks } from "../../ledger/testing/books.ts";
import { createMerchant } from "../merchant/index.ts";
import { costRuleFor } from "./fee.ts";
import {
  type ChannelCostRule,
  createChannelCostRule,
  createFeeRule,
  type FeeRule,
  type PriceInput,
  priceAttempts,
} from "./index.ts";

const NOW = Date.UTC(2026, 10, 20, 4);
const HOUR_MS = 3_600_000;
const clock = createManualClock(NOW);
const ids = createIdSource(clock, systemRandom);
let books: TestBooks;
let services: Parameters<typeof createFeeRule>[0];

beforeAll(async () => {
  books = await openTestBooks();
  services = { sql: books.db, clock, ids };
});
afterAll(() => books.close());

const accounts = [randomUUID(), randomUUID()];
const apps = [randomUUID(), randomUUID()];
const someOf = <T>(...values: T[]) => fc.constantFrom(...values);
const scope = {
  method: someOf(null, null, null, "wechat.native", "wechat.*", "alipay.qr", "alipay.*"),
  effective_from: someOf(NOW - 2 * HOUR_MS, NOW - HOUR_MS, NOW - HOUR_MS, NOW, NOW + HOUR_MS),
  lasts_ms: someOf(null, null, null, HOUR_MS, 2 * HOUR_MS),
  band: someOf<[bigint | null, bigint | null]>(
    [null, null],
    [null, null],
    [null, null],
    [null, 500n],
    [500n, null],
    [100n, 1_000n],
  ),
  rate_ppm: fc.bigInt({ min: 0n, max: 20_000n }),
};
const feeRules = fc.array(
  fc.record({
    ...scope,
    livemode: someOf(true, true, true, false),
    currency: someOf("CNY", "CNY", "CNY", "USD"),
    app_id: someOf(null, null, null, null, ...apps),
    channel: someOf(null, null, null, "wechat", "alipay"),
    channel_account_id: someOf(null, null, null, null, ...accounts),
    store: someOf(null, null, null, null, "north", "south"),
    promotion: someOf(false, false, false, true),
  }),
  { minLength: 4, maxLength: 24 },
);
const costRules = fc.array(fc.record({ ...scope, account: fc.nat({ max: 1 }) }), { minLength: 2, maxLength: 10 });
const payments = fc.array(
  fc.record({
    method: someOf("wechat.native", "wechat.jsapi", "alipay.qr", "alipay.wap"),
    app_id: someOf(...apps),
    account: fc.nat({ max: 1 }),
    store: someOf(null, "north", "south", "west"),
    amount: someOf(1n, 99n, 100n, 499n, 500n, 999n, 1_000n, 50_000n),
    livemode: someOf(true, true, false),
  }),
  { minLength: 6, maxLength: 6 },
);

/** Higher comes first, position by position; -1 where the rule does not apply. */
function rankOf(rule: FeeRule, p: PriceInput): number[] | undefined {
  const channel = p.method.split(".")[0];
  if (rule.livemode !== p.livemode || rule.currency !== p.currency) return undefined;
  if (rule.effective_from > p.at) return undefined;
  if (rule.effective_until !== null && rule.effective_until <= p.at) return undefined;
  if (rule.method !== null && rule.method !== p.method && rule.method !== `${channel}.*`) return undefined;
  if (rule.channel !== null && rule.channel !== channel) return undefined;
  if (rule.channel_account_id !== null && rule.channel_account_id !== p.channel_account_id) return undefined;
  if (rule.store !== null && rule.store !== p.store) return undefined;
  if (rule.app_id !== null && rule.app_id !== p.app_id) return undefined;
  if (rule.amount_from !== null && p.amount < rule.amount_from) return undefined;
  if (rule.amount_below !== null && p.amount >= rule.amount_below) return undefined;
  return [
    rule.quota_period === null ? 0 : 1,
    rule.method === p.method ? 2 : rule.method === null ? 0 : 1,
    rule.channel_account_id === null ? 0 : 1,
    rule.channel === null ? 0 : 1,
    rule.store === null ? 0 : 1,
    rule.app_id === null ? 0 : 1,
    rule.amount_from === null && rule.amount_below === null ? 0 : 1,
    rule.effective_from,
  ];
}

function firstOf<Rule extends { id: string }>(rules: readonly Rule[], rank: (rule: Rule) => number[] | undefined) {
  let best: { rule: Rule; rank: number[] } | undefined;
  for (const rule of rules) {
    const own = rank(rule);
    if (own === undefined) continue;
    const at = best === undefined ? 0 : own.findIndex((value, index) => value !== best!.rank[index]);
    const wins = best === undefined || (at === -1 ? rule.id > best.rule.id : own[at]! > best.rank[at]!);
    if (wins) best = { rule, rank: own };
  }
  return best?.rule;
}

function costRankOf(rule: ChannelCostRule, p: PriceInput): number[] | undefined {
  const channel = p.method.split(".")[0];
  if (rule.channel_account_id !== p.channel_account_id || rule.currency !== p.currency) return undefined;
  if (rule.effective_from > p.at || (rule.effective_until !== null && rule.effective_until <= p.at)) return undefined;
  if (rule.method !== null && rule.method !== p.method && rule.method !== `${channel}.*`) return undefined;
  if (rule.amount_from !== null && p.amount < rule.amount_from) return undefined;
  if (rule.amount_below !== null && p.amount >= rule.amount_below) return undefined;
  const exact = rule.method === p.method ? 2 : rule.method === null ? 0 : 1;
  return [exact, rule.amount_from === null && rule.amount_below === null ? 0 : 1, rule.effective_from];
}

async function addAccounts(): Promise<string[]> {
  const made = [randomUUID(), randomUUID()];
  for (const id of made) {
    await run(
      books.db,
      `insert into channel_accounts (id, channel, name, funding_mode, livemode, methods, config, secrets_sealed, created_at)
       values ($1, 'wechat', 'c', 'pooled', true, '{}', '{}', '', now())`,
      [id],
    );
  }
  return made;
}

const termOf = (rule: { effective_from: number; lasts_ms: number | null; band: readonly (bigint | null)[] }) => ({
  effective_from: rule.effective_from,
  effective_until: rule.lasts_ms === null ? null : rule.effective_from + rule.lasts_ms,
  amount_from: rule.band[0] ?? null,
  amount_below: rule.band[1] ?? null,
});

test("the rule that prices is the first by the documented order", async () => {
  let [fees, costs] = [0, 0];
  await fc.assert(
    fc.asyncProperty(feeRules, costRules, payments, async (givenFees, givenCosts, given) => {
      const { id: merchant_id } = await createMerchant({ ...services }, { name: "茶馆" });
      const own = await addAccounts();
      const accountOf = (id: string | null) => (id === null ? null : own[accounts.indexOf(id as never)]!);
      const rules: FeeRule[] = [];
      for (const { lasts_ms, band, promotion, ...rule } of givenFees) {
        const quota = promotion ? ({ quota_period: "ever", quota_count: 1_000n } as const) : {};
        const term = termOf({ ...rule, lasts_ms, band });
        const scoped = { ...rule, ...term, merchant_id, channel_account_id: accountOf(rule.channel_account_id) };
        rules.push(await createFeeRule(services, { ...scoped, ...quota }));
      }
      const costed: ChannelCostRule[] = [];
      for (const { lasts_ms, band, account, ...rule } of givenCosts) {
        const term = termOf({ ...rule, lasts_ms, band });
        const input = { ...rule, ...term, channel_account_id: own[account]!, currency: "CNY" };
        costed.push(await createChannelCostRule(services, input));
      }
      const inputs = given.map(({ account, ...p }): PriceInput => {
        const channel = p.method.split(".")[0]!;
        const at = { currency: "CNY", at: NOW, funding_mode: "pooled" } as const;
        return { ...p, ...at, merchant_id, channel, channel_account_id: own[account]! };
      });
      const prices = await books.db.transaction((tx) => priceAttempts(tx, inputs));
      for (const [index, input] of inputs.entries()) {
        const fee = firstOf(rules, (rule) => rankOf(rule, input));
        const cost = firstOf(costed, (rule) => costRankOf(rule, input));
        expect(prices[index]!.fee_rule_id).toBe(fee?.id ?? null);
        expect(costRuleFor(costed, input)?.id).toBe(cost?.id);
        const charged = cost ? (input.amount * cost.rate_ppm * 2n + 1_000_000n) / 2_000_000n : 0n;
        expect(prices[index]!.cost_amount).toBe(charged);
        if (fee) fees += 1;
        if (cost) costs += 1;
      }
    }),
    { numRuns: 50 },
  );
  // Most payments meet a rule, or the property would say little.
  expect(fees).toBeGreaterThan(100);
  expect(costs).toBeGreaterThan(50);
}, 120_000);
