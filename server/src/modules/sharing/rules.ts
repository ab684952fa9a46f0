/**
 * What is shared of every payment by rule. Every creation of a payment asks, so a process remembers the rules of all merchants
 * that have any, and once a second reads what has changed: most platforms have none, and then it is a look at an empty index.
 */
import type { Clock } from "../../kit/clock.ts";
import type { Sql } from "../../kit/sql/database.ts";
import type { AskedSharing, SharingPlan } from "../payment/index.ts";
import type { Book } from "./receiver-store.ts";
import { resolvePlan } from "./resolve-shares.ts";
import { ALL_APPS, loadChangedRules, type SharingRule, saveRule } from "./rule-store.ts";

const TTL_MS = 1_000;
/** Processes' clocks differ, and a transaction may commit later than it says. */
const OVERLAP_MS = 60_000;

export interface SharingRules {
  /** The rule of an app, or of its merchant; undefined where there is none. A second old at most. */
  find(app: Book & { app_id: string }): Promise<SharingPlan | undefined>;
}

/** One per process. */
export function createSharingRules({ db, clock }: { db: Sql; clock: Clock }): SharingRules {
  const known = new Map<string, SharingPlan>();
  let read_at = Number.NEGATIVE_INFINITY;
  let newest = 0;
  let reading: Promise<void> | undefined;
  async function refresh(now: number): Promise<void> {
    const changed = await loadChangedRules(db, Math.max(0, newest - OVERLAP_MS));
    for (const rule of changed) {
      newest = Math.max(newest, rule.updated_at);
      if (rule.plan === null) known.delete(nameOf(rule));
      else known.set(nameOf(rule), rule.plan);
    }
    read_at = now;
  }
  return {
    async find(app) {
      const now = clock.now();
      if (now - read_at >= TTL_MS) {
        reading ??= refresh(now).finally(() => {
          reading = undefined;
        });
        await reading;
      }
      if (known.size === 0) return undefined;
      return known.get(nameOf(app)) ?? known.get(nameOf({ ...app, app_id: ALL_APPS }));
    },
  };
}

function nameOf({ merchant_id, livemode, app_id }: Book & { app_id: string }): string {
  return `${merchant_id} ${livemode} ${app_id}`;
}

/**
 * Sets what is shared of every payment of an app, or of all apps that have no rule of their own; without `asked` takes the rule
 * away. Payments that exist keep what they were created with. Throws what `resolveAsked` does.
 * @param app_id UUID, or undefined for all apps.
 */
export async function setSharingRule(
  { db, clock }: { db: Sql; clock: Clock },
  book: Book,
  app_id: string | undefined,
  asked: AskedSharing | undefined,
): Promise<SharingRule> {
  const { merchant_id, livemode } = book;
  const plan = asked === undefined ? null : await resolvePlan(db, book, asked);
  const rule = { merchant_id, livemode, app_id: app_id ?? ALL_APPS, plan, updated_at: clock.now() };
  await saveRule(db, rule);
  return rule;
}
