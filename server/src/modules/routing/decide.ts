/**
 * Which account takes a payment. Pure: the same facts give the same account, also by chance, which is drawn from the
 * payment's own id. So a dry run says what would happen, and a payment's decision can be done again.
 */
import { sha256 } from "../../kit/crypto.ts";
import { publicId } from "../../kit/id.ts";
import type { RoutedAccount } from "../channel-account/index.ts";
import { type Facts, holds } from "./condition.ts";
import type { Candidate, Refusal } from "./eligibility.ts";
import { localTime } from "./local-time.ts";
import { accountsOf, type RoutingRule, type Target } from "./rule.ts";

export type Strategy = Target["kind"] | "sticky" | "order";

/** As an attempt keeps and the API shows it. Ids are public ones. */
export interface RoutingDecision {
  /** Null when no account can take the payment. */
  readonly account: string | null;
  /** `order` is the order in which the merchant's accounts are bound, where no rule decided. */
  readonly strategy: Strategy;
  /** The rule that decided. */
  readonly rule: string | null;
  /** True where a success rate was passed over in order to learn about another account. */
  readonly explored?: true;
  /** The accounts of the channel, in the merchant's order. */
  readonly candidates: ShownCandidate[];
  /** The attempt whose account refused before. */
  readonly instead_of?: string;
}

export interface ShownCandidate {
  readonly account: string;
  /** Null for one that could take the payment. */
  readonly refusal: Refusal | null;
  /** What the strategy weighed. `cost` in minor units, null where no cost rule is known. */
  readonly weight?: number;
  readonly cost?: number | null;
  readonly succeeded?: number;
  readonly failed?: number;
}

/** How attempts through one account ended. */
export interface Outcomes {
  readonly succeeded: number;
  readonly failed: number;
}

export interface DecisionInput {
  /** The merchant's rules of this book, in order. */
  readonly rules: readonly RoutingRule[];
  readonly candidates: readonly Candidate[];
  /** UUID of the app. */
  readonly app_id: string;
  readonly facts: Omit<Facts, "hour" | "weekday">;
  /** Epoch milliseconds. */
  readonly at: number;
  /** What chance is drawn from. */
  readonly seed: string;
  /** The account that took this payer's money last; undefined when none or nobody is known. */
  readonly last_account: string | undefined;
  /** What the channel takes of this payment, in minor units; undefined when no rule tells. */
  costOf(account: RoutedAccount): bigint | undefined;
  /** Of the last `window_s`. */
  outcomesOf(account: RoutedAccount, window_s: number): Outcomes;
}

export interface Decided {
  /** Undefined when no account can take the payment. */
  readonly account: RoutedAccount | undefined;
  readonly decision: RoutingDecision;
}

interface Choice {
  readonly account: RoutedAccount;
  readonly strategy: Strategy;
  readonly explored?: true;
  /** What was weighed, by the account's UUID. */
  readonly figures?: ReadonlyMap<string, Figures>;
}

type Figures = Pick<ShownCandidate, "weight" | "cost" | "succeeded" | "failed">;

/**
 * The first rule of the app whose condition holds and which finds an account decides; else the merchant's own order.
 * An account in bad health is taken only where no other can.
 */
export function decide(input: DecisionInput): Decided {
  const { candidates } = input;
  const able = candidates.filter(({ refusal }) => refusal === undefined);
  const usable = able.length > 0 ? able : candidates.filter(({ refusal }) => refusal === "health");
  const accounts = usable.map(({ account }) => account);
  const [first] = accounts;
  if (!first) return present(candidates, undefined, undefined);
  for (const rule of input.rules) {
    if (rule.app_id !== null && rule.app_id !== input.app_id) continue;
    const choice = applies(rule, input) ? choose(rule, accounts, input) : undefined;
    if (choice) return present(candidates, choice, rule);
  }
  return present(candidates, { account: first, strategy: "order" }, undefined);
}

function applies({ condition, time_zone }: RoutingRule, { facts, at }: DecisionInput): boolean {
  if (condition === "true") return true;
  const { hour, weekday } = localTime(at, time_zone);
  return holds(condition, { ...facts, hour: BigInt(hour), weekday: BigInt(weekday) });
}

function choose(rule: RoutingRule, usable: readonly RoutedAccount[], input: DecisionInput): Choice | undefined {
  const { target } = rule;
  const named = accountsOf(target);
  const accounts = named ? usable.filter(({ id }) => named.includes(id)) : usable;
  if (accounts.length === 0) return undefined;
  const kept = rule.sticky ? accounts.find(({ id }) => id === input.last_account) : undefined;
  if (kept) return { account: kept, strategy: "sticky" };
  switch (target.kind) {
    case "account":
      return { account: accounts[0]!, strategy: "account" };
    case "weighted": {
      const weighted = accounts.map((account) => ({ account, weight: weightOf(target.accounts, account.id) }));
      const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
      const account = pickWeighted(weighted, drawBelow(total, input.seed, rule.id));
      return { account, strategy: "weighted", figures: figuresOf(weighted, ({ weight }) => ({ weight })) };
    }
    case "cheapest":
      return chooseCheapest(accounts, input);
    case "best_success_rate":
      return chooseBest(target, accounts, input, rule.id);
  }
}

function weightOf(accounts: Extract<Target, { kind: "weighted" }>["accounts"], id: string): number {
  return accounts.find(({ account }) => account === id)!.weight;
}

/** @param point from 0 to below the sum of the weights: each account owns as many points as its weight. */
export function pickWeighted<T extends { weight: number; account: unknown }>(
  weighted: readonly T[],
  point: number,
): T["account"] {
  let rest = point;
  for (const { account, weight } of weighted) {
    if (rest < weight) return account;
    rest -= weight;
  }
  return weighted.at(-1)!.account;
}

/** A number from 0 to below `bound`, always the same for the same seed and purpose. */
export function drawBelow(bound: number, seed: string, purpose: string): number {
  // 48 bits: the bound is at most 50 million, so that what it favours is less than one in five million.
  return sha256(`${seed} ${purpose}`).readUIntBE(0, 6) % bound;
}

/** Those whose cost is not known come last; equal ones in the merchant's order. */
function chooseCheapest(accounts: readonly RoutedAccount[], input: DecisionInput): Choice {
  const priced = accounts.map((account) => ({ account, cost: input.costOf(account) }));
  const isCheaper = (a: bigint | undefined, b: bigint | undefined) => a !== undefined && (b === undefined || a < b);
  const best = priced.reduce((found, next) => (isCheaper(next.cost, found.cost) ? next : found));
  const figures = figuresOf(priced, ({ cost }) => ({ cost: cost === undefined ? null : Number(cost) }));
  return { account: best.account, strategy: "cheapest", figures };
}

function chooseBest(
  target: Extract<Target, { kind: "best_success_rate" }>,
  accounts: readonly RoutedAccount[],
  input: DecisionInput,
  rule_id: string,
): Choice {
  const rated = accounts.map((account) => ({ account, ...input.outcomesOf(account, target.window_s) }));
  const best = rated.reduce((found, next) => (ratePpm(next) > ratePpm(found) ? next : found));
  const figures = figuresOf(rated, ({ succeeded, failed }) => ({ succeeded, failed }));
  const others = rated.filter((one) => one !== best);
  const explores = others.length > 0 && drawBelow(1_000_000, input.seed, `${rule_id} whether`) < target.exploration_ppm;
  if (!explores) return { account: best.account, strategy: "best_success_rate", figures };
  const { account } = others[drawBelow(others.length, input.seed, `${rule_id} which`)]!;
  return { account, strategy: "best_success_rate", explored: true, figures };
}

/** As if each account had succeeded once and failed once before: few attempts prove little either way. */
export function ratePpm({ succeeded, failed }: Outcomes): number {
  return Math.floor(((succeeded + 1) * 1_000_000) / (succeeded + failed + 2));
}

function figuresOf<T extends { account: RoutedAccount }>(
  weighed: readonly T[],
  show: (one: T) => Figures,
): ReadonlyMap<string, Figures> {
  return new Map(weighed.map((one) => [one.account.id, show(one)]));
}

function present(candidates: readonly Candidate[], choice: Choice | undefined, rule: RoutingRule | undefined): Decided {
  const shown = candidates.map(({ account, refusal }) => ({
    account: publicId("channel_account", account.id),
    refusal: refusal ?? null,
    ...choice?.figures?.get(account.id),
  }));
  const decision: RoutingDecision = {
    account: choice ? publicId("channel_account", choice.account.id) : null,
    strategy: choice?.strategy ?? "order",
    rule: rule ? publicId("routing_rule", rule.id) : null,
    ...(choice?.explored && { explored: true }),
    candidates: shown,
  };
  return { account: choice?.account, decision };
}
