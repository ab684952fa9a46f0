/**
 * What routing knows of merchants, a second old at most: rules, limits and what counts towards them, costs, and how
 * attempts ended. Asked for in groups, so that a busy process asks the database once a second and merchant.
 */
import { LRUCache } from "lru-cache";
import { createGroup } from "../../kit/sql/group-commit.ts";
import { type ChannelCostRule, loadChannelCostRules } from "../fee/index.ts";
import { localTime } from "./local-time.ts";
import type { RoutingLimit, RoutingRule } from "./rule.ts";
import type { Book, OutcomeCount, RoutingServices } from "./services.ts";
import { loadLimits, loadRules, loadUsage, type Usage } from "./store.ts";

/** A merchant's rules and limits, of both books. */
export interface MerchantRules {
  readonly rules: readonly RoutingRule[];
  readonly limits: readonly RoutingLimit[];
  readonly usage: readonly Usage[];
}

export interface RoutingBooks {
  rulesOf(merchant_id: string): Promise<MerchantRules>;
  /** The cost rules of channel accounts. */
  costsOf(account_ids: readonly string[]): Promise<readonly ChannelCostRule[]>;
  /** By the account's UUID. */
  outcomesOf(book: Book, window_s: number): Promise<ReadonlyMap<string, OutcomeCount>>;
}

const TTL_MS = 1_000;
const MERCHANTS_MAX = 50_000;
const BATCH_MAX = 500;

/** One per process. */
export function createRoutingBooks(services: Pick<RoutingServices, "db" | "clock" | "past">): RoutingBooks {
  const { db, clock, past } = services;
  const loadMerchant = createGroup<string, MerchantRules>({
    name: "routing.rules",
    batch_max: BATCH_MAX,
    in_flight_max: 4,
    run: (merchant_ids) => loadMerchants(services, merchant_ids),
  });
  const rules = createRecent(clock, loadMerchant);
  const costs = createRecent(clock, (ids: string) => loadChannelCostRules(db, ids.split(" ")));
  const outcomes = createRecent(clock, async (key: string) => {
    const [merchant_id, livemode, window_s] = key.split(" ") as [string, string, string];
    const since = clock.now() - Number(window_s) * 1000;
    const counts = await past.countOutcomes({ merchant_id, livemode: livemode === "true" }, since);
    return new Map(counts.map((count) => [count.channel_account_id, count]));
  });
  return {
    rulesOf: rules,
    costsOf: (account_ids) => costs([...account_ids].sort().join(" ")),
    outcomesOf: ({ merchant_id, livemode }, window_s) => outcomes(`${merchant_id} ${livemode} ${window_s}`),
  };
}

async function loadMerchants(
  { db, clock }: Pick<RoutingServices, "db" | "clock">,
  merchant_ids: readonly string[],
): Promise<MerchantRules[]> {
  // A day of any time zone that has not ended began less than two days ago.
  const since = localTime(clock.now() - 2 * 86_400_000, "UTC").day;
  const wanted = [...new Set(merchant_ids)];
  const [rules, limits] = await Promise.all([loadRules(db, wanted), loadLimits(db, wanted)]);
  const counted = limits.some((limit) => limit.day_amount_max !== null);
  const usage = counted ? await loadUsage(db, wanted, since) : [];
  const of = <T extends { merchant_id: string }>(rows: readonly T[], id: string) =>
    rows.filter((row) => row.merchant_id === id);
  return merchant_ids.map((id) => ({ rules: of(rules, id), limits: of(limits, id), usage: of(usage, id) }));
}

/** Remembers what was loaded for a second. A failure is the asker's to see and nobody's to remember. */
function createRecent<Value>(
  clock: RoutingServices["clock"],
  load: (key: string) => Promise<Value>,
): (key: string) => Promise<Value> {
  const known = new LRUCache<string, { value: Promise<Value>; loaded_at: number }>({ max: MERCHANTS_MAX });
  return (key) => {
    const found = known.get(key);
    const now = clock.now();
    if (found && now - found.loaded_at < TTL_MS) return found.value;
    const value = load(key);
    known.set(key, { value, loaded_at: now });
    value.catch(() => {
      if (known.peek(key)?.value === value) known.delete(key);
    });
    return value;
  };
}
