/** What merchants pay in advance for fees, what goes back of it, and what follows from the balance. */
import { invariant } from "../../kit/error.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import {
  getBalancesOfBooks,
  type NewPosting,
  post,
  serviceFeeReturnPosting,
  serviceFeeTopUpPosting,
} from "../../ledger/index.ts";
import { type BalanceChange, type Billing, crossings, leftOf, type Standing } from "./billing.ts";
import { serviceFeeErrors } from "./errors.ts";
import type { BillingKey, Deposit } from "./invoice.ts";
import { hurryInvoices } from "./invoice-store.ts";
import { presentStanding } from "./present.ts";
import type { Billing as Services } from "./services.ts";
import { announceStops, findDeposit, insertDeposit, lockBilling, saveStanding } from "./store.ts";
import { tellApps } from "./tell-apps.ts";

export interface DepositInput extends BillingKey {
  readonly kind: Deposit["kind"];
  /** Minor units, above zero. */
  readonly amount: bigint;
  /** The bank's; a transfer is booked once. */
  readonly reference: string;
  readonly made_by: string | null;
}

/**
 * Records money that came in advance, or went back, in the caller's transaction. Unpaid invoices are then looked at, and a
 * merchant that was stopped goes on once enough is there. The same reference with the same amount again gives the first.
 * @throws service_fee.billing_missing, service_fee.reference_used, service_fee.prepaid_insufficient
 */
export async function recordDeposit(services: Services, tx: Transaction, input: DepositInput): Promise<Deposit> {
  const billing = await lockBilling(tx, input);
  if (!billing) throw serviceFeeErrors["service_fee.billing_missing"]({ values: { currency: input.currency } });
  const earlier = await findDeposit(tx, input);
  if (earlier?.amount === input.amount) return earlier;
  const { reference } = input;
  if (earlier) throw serviceFeeErrors["service_fee.reference_used"]({ values: { reference } });
  // Invoices before the book, as everybody locks them.
  await hurryInvoices(tx, input, services.clock.now());
  const made = await bookDeposit(services, tx, input);
  await judgeBalance(services, tx, billing);
  return made;
}

async function bookDeposit({ clock, ids }: Services, tx: Transaction, input: DepositInput): Promise<Deposit> {
  const { merchant_id, livemode, currency, kind, amount, reference, made_by } = input;
  const [id, now] = [ids.uuid(), clock.now()];
  if (kind === "return") await requireLeft(tx, input);
  const booked = { merchant_id, livemode, deposit_id: id, amount: { amount, currency }, occurred_at: now };
  const posting: NewPosting = kind === "top_up" ? serviceFeeTopUpPosting(booked) : serviceFeeReturnPosting(booked);
  const [posted] = await post(tx, [posting], now);
  if (posted?.kind === "refused") throw tooLittle(posted.balance + amount);
  invariant(posted?.kind === "posted", "a new deposit has no posting yet");
  const deposit = { merchant_id, livemode, currency, id, kind, amount, reference, made_by };
  const made: Deposit = { ...deposit, number: posted.number, created_at: now };
  await insertDeposit(tx, made);
  return made;
}

/** Fees that are due and not deducted yet are taken off first. */
async function requireLeft(tx: Transaction, { amount, ...key }: DepositInput): Promise<void> {
  const left = leftOf(await readStanding(tx, key));
  if (left < amount) throw tooLittle(left);
}

function tooLittle(left: bigint) {
  return serviceFeeErrors["service_fee.prepaid_insufficient"]({ values: { left } });
}

/** What is prepaid and what is due, as the book says now. */
export async function readStanding(sql: Sql, key: BillingKey): Promise<Standing> {
  return (await readStandings(sql, [key]))[0]!;
}

/** The same of several, in one query and in order. */
async function readStandings(sql: Sql, keys: readonly BillingKey[]): Promise<Standing[]> {
  const books = new Map(keys.map((key) => [`${key.merchant_id} ${key.livemode}`, key]));
  const kinds = ["service_fee_prepaid", "service_fee_receivable"] as const;
  const rows = await getBalancesOfBooks(sql, [...books.values()], kinds);
  const found = new Map(rows.map((row) => [nameOf(row, row.kind), row.balance]));
  return keys.map((key) => {
    const of = (kind: (typeof kinds)[number]) => found.get(nameOf(key, kind)) ?? 0n;
    return { prepaid: of("service_fee_prepaid"), due: of("service_fee_receivable") };
  });
}

const nameOf = ({ merchant_id, livemode, currency }: BillingKey, kind: string) =>
  `${merchant_id} ${livemode} ${currency} ${kind}`;

/** A worker's look at prepaid balances. Most looks change nothing, and lock nothing. */
export async function watchBalances(services: Services, billings: readonly Billing[]): Promise<void> {
  const standings = await readStandings(services.db, billings);
  const crossed = billings.filter((billing, index) => crossings(billing, standings[index]!).length > 0);
  for (const billing of crossed) {
    await services.db.transaction(async (tx) => {
      const locked = await lockBilling(tx, billing);
      if (locked) await judgeBalance(services, tx, locked);
    });
  }
  if (crossed.length > 0) services.kick.webhooks();
}

const events = {
  low: "service_fee.balance_low",
  stopped: "service_fee.stopped",
  resumed: "service_fee.resumed",
} as const;

/** Does what follows from the balance as it is now: each crossing once. The caller has locked the billing. */
export async function judgeBalance(services: Services, tx: Transaction, billing: Billing): Promise<Billing> {
  const standing = await readStanding(tx, billing);
  const changes = crossings(billing, standing);
  if (changes.length === 0) return billing;
  const now = services.clock.now();
  const after = Object.assign({ ...billing }, ...changes.map((change) => effectOf(change, now))) as Billing;
  await saveStanding(tx, after);
  if (after.stopped_at !== billing.stopped_at) await announceStops(tx);
  for (const change of changes) {
    if (change === "recovered") continue;
    const { merchant_id: object_id } = billing;
    await tellApps(services, tx, billing, { type: events[change], object_id, data: presentStanding(after, standing) });
  }
  return after;
}

function effectOf(change: BalanceChange, now: number): Partial<Pick<Billing, "low_since" | "stopped_at">> {
  switch (change) {
    case "low":
      return { low_since: now };
    case "recovered":
      return { low_since: null };
    case "stopped":
      return { stopped_at: now };
    case "resumed":
      return { stopped_at: null };
  }
}
