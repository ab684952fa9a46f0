/** Chooses the account of a payment, and counts what succeeds where a rule or limit asks for it. */
import type { Method } from "../../channels/contract.ts";
import { publicId } from "../../kit/id.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import type { RoutedAccount } from "../channel-account/index.ts";
import { chargeOf, costRuleFor } from "../fee/index.ts";
import { createRoutingBooks, type MerchantRules, type RoutingBooks } from "./books.ts";
import { type Decided, type DecisionInput, decide } from "./decide.ts";
import { type AccountFacts, findCandidates } from "./eligibility.ts";
import { localTime } from "./local-time.ts";
import { hashPayer } from "./payer.ts";
import type { RoutingRule } from "./rule.ts";
import type { RoutedPayer, RoutingServices } from "./services.ts";
import { addUsage, findPayerAccount, type PayerAccount, type Usage, upsertPayers } from "./store.ts";

/** A payment that looks for an account. */
export interface RouteRequest {
  /** UUIDs. */
  readonly merchant_id: string;
  readonly app_id: string;
  /** What chance is drawn from. */
  readonly payment_id: string;
  readonly livemode: boolean;
  readonly method: Method;
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: string;
  readonly store: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly payer: RoutedPayer;
  /** UUIDs of accounts that refused this payment already. */
  readonly tried: readonly string[];
}

/** An attempt that succeeded. */
export interface SucceededAttempt {
  readonly merchant_id: string;
  readonly livemode: boolean;
  readonly channel_account_id: string;
  readonly method: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly payer: RoutedPayer;
}

export interface Router {
  /** The account that takes the payment, undefined when none can, and why. */
  route(request: RouteRequest): Promise<Decided>;
  /** The same for a payment of another time: neither health nor the day's limits of that time are known. */
  routePast(request: RouteRequest, at: number): Promise<Decided>;
  /**
   * Reads what the merchants' rules ask to be counted, before a transaction; the function that it gives counts in it.
   */
  prepareCounting(
    merchant_ids: readonly string[],
  ): Promise<(tx: Transaction, attempts: readonly SucceededAttempt[], at: number) => Promise<void>>;
}

/** One per process: its caches are what makes asking cheap. */
export function createRouter(services: RoutingServices): Router {
  const books = createRoutingBooks(services);
  const know = ({ merchant_id, livemode }: RouteRequest) =>
    Promise.all([books.rulesOf(merchant_id), services.accounts.listBound({ merchant_id, livemode })]);
  return {
    async route(request) {
      const [merchant, accounts] = await know(request);
      const facts = accountFacts(services, request, merchant, {
        isHealthy: (id) => services.channels.refuses(id, "pay") === undefined,
        is_direct_stopped: services.isDirectStopped(request),
      });
      return decideFor(services, books, request, { merchant, accounts, facts, at: services.clock.now() });
    },
    async routePast(request, at) {
      const [merchant, accounts] = await know(request);
      const facts = accountFacts(services, request, { ...merchant, usage: [] }, untroubled);
      return decideFor(services, books, request, { merchant, accounts, facts, at });
    },
    async prepareCounting(merchant_ids) {
      const entries = await Promise.all(merchant_ids.map(async (id) => [id, await books.rulesOf(id)] as const));
      const known = new Map(entries);
      return (tx, attempts, at) => count(tx, known, attempts, at);
    },
  };
}

/** Of a time of which it is not known. */
const untroubled = { isHealthy: () => true, is_direct_stopped: false };

function accountFacts(
  services: RoutingServices,
  { currency }: RouteRequest,
  { limits, usage }: MerchantRules,
  now: Pick<AccountFacts, "isHealthy" | "is_direct_stopped">,
): AccountFacts {
  const ofCurrency = limits.filter((limit) => limit.currency === currency);
  return {
    getChannel: services.getChannel,
    limitOf: (id) => ofCurrency.find((limit) => limit.channel_account_id === id),
    usedOn: (id, day) =>
      usage.find((one) => one.channel_account_id === id && one.currency === currency && one.day === day)?.amount ?? 0n,
    ...now,
  };
}

interface Known {
  merchant: MerchantRules;
  accounts: readonly RoutedAccount[];
  facts: AccountFacts;
  at: number;
}

async function decideFor(
  services: RoutingServices,
  books: RoutingBooks,
  request: RouteRequest,
  { merchant, accounts, facts, at }: Known,
): Promise<Decided> {
  const { livemode, method, amount, currency } = request;
  const candidates = findCandidates(accounts, { ...request, at }, facts);
  const rules = merchant.rules.filter((rule) => rule.livemode === livemode);
  return decide({
    rules,
    candidates,
    app_id: request.app_id,
    facts: {
      ...{ amount, currency, method, channel: method.slice(0, method.indexOf(".")) },
      ...{ app: publicId("app", request.app_id), store: request.store ?? "", metadata: request.metadata },
    },
    at,
    seed: request.payment_id,
    ...(await gather(services, books, request, { rules, accounts: candidates.map(({ account }) => account), at })),
  });
}

/** What only some rules need is only read where a merchant has such rules. */
async function gather(
  services: RoutingServices,
  books: RoutingBooks,
  request: RouteRequest,
  { rules, accounts, at }: { rules: readonly RoutingRule[]; accounts: readonly RoutedAccount[]; at: number },
): Promise<Pick<DecisionInput, "last_account" | "costOf" | "outcomesOf">> {
  const { merchant_id, livemode, method, currency, amount } = request;
  const payer = rules.some((rule) => rule.sticky) ? hashPayer(method, request.payer) : undefined;
  const weighsCosts = rules.some(({ target }) => target.kind === "cheapest") && accounts.length > 1;
  const windows = rules.flatMap(({ target }) => (target.kind === "best_success_rate" ? [target.window_s] : []));
  const [last_account, costs, outcomes] = await Promise.all([
    payer === undefined ? undefined : findPayerAccount(services.db, { merchant_id, livemode, payer }),
    weighsCosts ? books.costsOf(accounts.map(({ id }) => id)) : [],
    Promise.all(windows.map(async (window_s) => [window_s, await books.outcomesOf(request, window_s)] as const)),
  ]);
  const byWindow = new Map(outcomes);
  return {
    last_account,
    costOf({ id }) {
      const rule = costRuleFor(costs, { channel_account_id: id, method, currency, amount, at });
      return rule && chargeOf(rule, amount);
    },
    outcomesOf: ({ id }, window_s) => byWindow.get(window_s)?.get(id) ?? { succeeded: 0, failed: 0 },
  };
}

async function count(
  tx: Transaction,
  known: ReadonlyMap<string, MerchantRules>,
  attempts: readonly SucceededAttempt[],
  at: number,
): Promise<void> {
  const usage = attempts.flatMap((attempt) => usageOf(attempt, known.get(attempt.merchant_id), at));
  const payers = attempts.flatMap((attempt) => payerOf(attempt, known.get(attempt.merchant_id), at));
  if (usage.length > 0) await addUsage(tx, usage);
  if (payers.length > 0) await upsertPayers(tx, payers);
}

function usageOf(attempt: SucceededAttempt, merchant: MerchantRules | undefined, at: number): Usage[] {
  const { merchant_id, channel_account_id, currency, amount } = attempt;
  const limit = merchant?.limits.find(
    (one) => one.channel_account_id === channel_account_id && one.currency === currency && one.day_amount_max !== null,
  );
  return limit ? [{ merchant_id, channel_account_id, currency, amount, day: localTime(at, limit.time_zone).day }] : [];
}

function payerOf(attempt: SucceededAttempt, merchant: MerchantRules | undefined, at: number): PayerAccount[] {
  const { merchant_id, livemode, channel_account_id } = attempt;
  const remembers = merchant?.rules.some((rule) => rule.sticky && rule.livemode === livemode);
  const payer = remembers ? hashPayer(attempt.method, attempt.payer) : undefined;
  return payer === undefined ? [] : [{ merchant_id, livemode, payer, channel_account_id, succeeded_at: at }];
}
