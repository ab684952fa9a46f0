/**
 * Takes places in promotions' quotas, exactly: the counter is locked from the look until the attempt is on disk, so no
 * concurrency can take more than there is. An attempt that ends unpaid gives its place back.
 */
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import type { PriceInput } from "./price-attempts.ts";
import { hasRoom, periodAt, type QuotaTaken } from "./quota.ts";
import { addToQuotas, lockQuotas, type QuotaKey, readQuotas } from "./quota-store.ts";
import { type FoundRule, findCandidates, type Promotion } from "./store.ts";

interface Chosen {
  rule: FoundRule | undefined;
  /** Null where a standing rule prices it, or none. */
  quota_period: string | null;
}

const nameOf = ({ merchant_id, fee_rule_id, period }: QuotaKey) => `${merchant_id} ${fee_rule_id} ${period}`;
const NOTHING: QuotaTaken = { count: 0n, amount: 0n };

type Taken = ReadonlyMap<string, QuotaTaken>;

/** A payment's promotions in their order, each with its period, and the standing rule that comes after them. */
interface Choice {
  input: PriceInput;
  promotions: { rule: Promotion; key: QuotaKey }[];
  standing: FoundRule | undefined;
}

/** For each input its rule: the first promotion that has room, or the standing rule. `first` is what `findRules` gave. */
export async function claimQuotas(
  tx: Transaction,
  inputs: readonly PriceInput[],
  first: readonly (FoundRule | undefined)[],
): Promise<Chosen[]> {
  const promoted = inputs.filter((_, index) => first[index]?.is_promotion);
  const choices = await loadChoices(tx, promoted);
  // A counter that is full already is not locked: nothing is taken of it, and its merchant's payments need not wait.
  const keys = choices.flatMap(({ promotions }) => promotions.map(({ key }) => key));
  const seen = await readQuotas(tx, keys);
  const wanted = choices.flatMap(({ input, promotions }) =>
    promotions.filter(({ rule, key }) => hasRoom(rule, seen.get(nameOf(key)) ?? NOTHING, input.amount)),
  );
  const open = new Map(wanted.map(({ key }) => [nameOf(key), key]));
  const taken = new Map(await lockQuotas(tx, [...open.values()]));
  const added = new Map<string, QuotaKey & QuotaTaken>();
  const chosen = new Map<PriceInput, Chosen>();
  for (const { input, promotions, standing } of choices) {
    const found = promotions.find(({ rule, key }) => isOpen(open, taken, { rule, key }, input.amount));
    chosen.set(input, { rule: found?.rule ?? standing, quota_period: found?.key.period ?? null });
    if (found) take(taken, added, found.key, input.amount);
  }
  await addToQuotas(tx, [...added.values()]);
  return inputs.map((input, index) => chosen.get(input) ?? { rule: first[index], quota_period: null });
}

function isOpen(
  open: ReadonlyMap<string, QuotaKey>,
  taken: Taken,
  { rule, key }: Choice["promotions"][number],
  amount: bigint,
): boolean {
  return open.has(nameOf(key)) && hasRoom(rule, taken.get(nameOf(key)) ?? NOTHING, amount);
}

function take(
  taken: Map<string, QuotaTaken>,
  added: Map<string, QuotaKey & QuotaTaken>,
  key: QuotaKey,
  amount: bigint,
): void {
  const name = nameOf(key);
  const plus = (before: QuotaTaken) => ({ count: before.count + 1n, amount: before.amount + amount });
  taken.set(name, plus(taken.get(name) ?? NOTHING));
  added.set(name, { ...key, ...plus(added.get(name) ?? NOTHING) });
}

/** The rule that would price a payment now, as `claimQuotas` chooses, and nothing is taken. */
export async function chooseRule(sql: Sql, input: PriceInput): Promise<Chosen & { left: QuotaTaken | undefined }> {
  const [choice] = await loadChoices(sql, [input]);
  const { promotions, standing } = choice!;
  const taken = await readQuotas(
    sql,
    promotions.map(({ key }) => key),
  );
  const takenOf = (key: QuotaKey) => taken.get(nameOf(key)) ?? NOTHING;
  const found = promotions.find(({ rule, key }) => hasRoom(rule, takenOf(key), input.amount));
  if (!found) return { rule: standing, quota_period: null, left: undefined };
  return { rule: found.rule, quota_period: found.key.period, left: takenOf(found.key) };
}

async function loadChoices(sql: Sql, inputs: readonly PriceInput[]): Promise<Choice[]> {
  const candidates = await findCandidates(sql, inputs);
  return inputs.map((input, index) => {
    const { promotions, standing } = candidates[index]!;
    const keyed = promotions.map((rule) => {
      return { rule, key: { merchant_id: input.merchant_id, fee_rule_id: rule.id, period: periodAt(rule, input.at) } };
    });
    return { input, promotions: keyed, standing };
  });
}

/** An attempt as far as it may hold a place in a quota. */
export interface QuotaHolder {
  readonly merchant_id: string;
  readonly fee_rule_id: string | null;
  readonly quota_period: string | null;
  readonly amount: bigint;
}

/**
 * Attempts that no longer hold their places (`held` false), or hold them again: the payer paid after the attempt had ended,
 * at the price that it was made with, even where others have used the quota up since.
 */
export async function moveQuotas(
  tx: Transaction,
  changes: readonly { attempt: QuotaHolder; held: boolean }[],
): Promise<void> {
  const moved = new Map<string, QuotaKey & QuotaTaken>();
  for (const { attempt, held } of changes) {
    const { merchant_id, fee_rule_id, quota_period: period, amount } = attempt;
    if (fee_rule_id === null || period === null) continue;
    const key = { merchant_id, fee_rule_id, period };
    const before = moved.get(nameOf(key)) ?? NOTHING;
    const [count, more] = held ? [1n, amount] : [-1n, -amount];
    moved.set(nameOf(key), { ...key, count: before.count + count, amount: before.amount + more });
  }
  await addToQuotas(tx, [...moved.values()]);
}
