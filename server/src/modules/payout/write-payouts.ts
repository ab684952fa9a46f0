/**
 * Writes payouts: the only way by which one comes to be. What is available is held, in the books, in the transaction that
 * writes the row and its event; nobody was told to pay then, and nothing says yet that somebody may be.
 */
import { TributaryError } from "../../kit/error.ts";
import { encodeUuid } from "../../kit/id.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { payoutInitiatedPosting, post } from "../../ledger/index.ts";
import { type Beneficiary, hindranceOf, loadBeneficiaries } from "../beneficiary/index.ts";
import { payoutErrors } from "./errors.ts";
import { tellApps } from "./events.ts";
import { checkSingle, type LimitCounter, openLimits } from "./limits.ts";
import { refusalOf } from "./may-pay-out.ts";
import { bookedPayout, type Payout } from "./payout.ts";
import type { Book, PayoutServices } from "./services.ts";
import { DEFAULT_RULES, type PayoutRules, priceOf } from "./settings.ts";
import { lockSettings } from "./settings-store.ts";
import { insertPayouts } from "./store.ts";

/** A payout that is asked for. Amounts in minor units of the currency of all. */
export interface NewPayout {
  readonly amount: bigint;
  readonly beneficiary_id: string;
  readonly title: string | null;
  readonly metadata: Record<string, string>;
  readonly app_id: string | null;
  readonly out_payout_no: string | null;
  readonly request_hash: Buffer | null;
  readonly batch_id?: string;
  readonly batch_line?: number;
  readonly settlement_id?: string;
}

/** A payout that was written, or why it was not. */
export type Written = Payout | TributaryError;

/** How long whoever writes a payout has to look at it before a worker does. */
export const RELEASE_LEASE_MS = 30_000;

/**
 * Writes payouts of one book and currency, in order; one that is refused leaves its neighbours alone. Their numbers are
 * known to be new. Throws when the book may pay nothing out.
 * @throws payout.refused, account.debit_frozen, account.closed
 */
export async function writePayouts(
  services: PayoutServices,
  tx: Transaction,
  { book, currency }: { book: Book; currency: string },
  wanted: readonly NewPayout[],
  release_in_ms: number = RELEASE_LEASE_MS,
): Promise<Written[]> {
  const key = { merchant_id: book.merchant_id, livemode: book.livemode, currency };
  const refusal = await refusalOf(tx, key);
  if (refusal) throw refusal;
  const rules: PayoutRules = (await lockSettings(tx, key)) ?? DEFAULT_RULES;
  const now = services.clock.now();
  const limits = await openLimits(tx, key, rules, now);
  const keys = wanted.map(({ beneficiary_id: id }) => ({ merchant_id: book.merchant_id, id }));
  const beneficiaries = await loadBeneficiaries(tx, keys);
  const results = wanted.map((one): Written => {
    const beneficiary = beneficiaries.get(one.beneficiary_id);
    return decide(services, { book, currency, rules, limits, now }, one, beneficiary);
  });
  return hold(services, tx, results, now, now + release_in_ms);
}

interface Deciding {
  readonly book: Book;
  readonly currency: string;
  readonly rules: PayoutRules;
  readonly limits: LimitCounter;
  readonly now: number;
}

function decide(
  services: PayoutServices,
  { book, currency, rules, limits, now }: Deciding,
  wanted: NewPayout,
  beneficiary: Beneficiary | undefined,
): Written {
  if (!beneficiary || beneficiary.livemode !== book.livemode) {
    return payoutErrors["payout.beneficiary_not_payable"]({ param: "beneficiary", values: { status: "not there" } });
  }
  const hindrance = hindranceOf(beneficiary, beneficiary.version, now);
  // An account that cools is paid to later.
  if (hindrance !== undefined && hindrance !== "cooling") {
    return payoutErrors["payout.beneficiary_not_payable"]({ param: "beneficiary", values: { status: hindrance } });
  }
  const price = priceOf(rules, wanted.amount, currency);
  if (!price) {
    return payoutErrors["payout.fee_above_amount"]({ param: "amount", values: { fee: wanted.amount } });
  }
  const refused = checkSingle(rules, wanted.amount) ?? limits.take(wanted.amount);
  if (refused) return refused;
  const id = services.ids.uuid();
  return {
    ...{ merchant_id: book.merchant_id, id, livemode: book.livemode, app_id: wanted.app_id },
    ...{ out_payout_no: wanted.out_payout_no, request_hash: wanted.request_hash, status: "created", currency },
    ...{ amount: wanted.amount, ...price, fee_returns: rules.fee_returns, cost_amount: 0n },
    ...{ beneficiary_id: beneficiary.id, beneficiary_version: beneficiary.version },
    ...{ title: wanted.title, metadata: wanted.metadata, approval_id: null },
    ...{ batch_id: wanted.batch_id ?? null, batch_line: wanted.batch_line ?? null },
    ...{ settlement_id: wanted.settlement_id ?? null, channel: null, channel_account_id: null, bank_file_id: null },
    ...{ transfer_no: encodeUuid(id), channel_transfer_no: null, action: null, waits_for: null },
    ...{ failure_code: null, failure_message: null, unknown_reason: null, recorded_by: null },
    ...{ created_at: now, sent_at: null, succeeded_at: null, finished_at: null, call_count: 0, query_count: 0 },
  };
}

/** Takes the money out of what is available, all in one batch, and writes those that it covers. */
async function hold(
  services: PayoutServices,
  tx: Transaction,
  results: Written[],
  now: number,
  due_at: number,
): Promise<Written[]> {
  const fresh = results.filter((result): result is Payout => !(result instanceof TributaryError));
  const posted = await post(
    tx,
    fresh.map((payout) => payoutInitiatedPosting(bookedPayout(payout, now))),
    now,
  );
  const short = new Set(fresh.filter((_, index) => posted[index]!.kind === "refused"));
  const held = fresh.filter((payout) => !short.has(payout));
  await insertPayouts(tx, held, due_at);
  await tellApps(services, tx, "payout.created", held);
  return results.map((result) =>
    !(result instanceof TributaryError) && short.has(result)
      ? payoutErrors["payout.insufficient_balance"]({ param: "amount" })
      : result,
  );
}
