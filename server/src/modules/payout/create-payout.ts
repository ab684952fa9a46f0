/** Creates a payout that a merchant asks for, and tries to pay it at once. */

import { TributaryError } from "../../kit/error.ts";
import type { Caller } from "../../kit/http/api.ts";
import { brokenConstraint, type Transaction } from "../../kit/sql/database.ts";
import { findBeneficiary } from "../beneficiary/index.ts";
import { findKeys, type IdempotencyKey, idempotencyErrors, rerunAfterRace, storeKeys } from "../idempotency/index.ts";
import { hashContent } from "../payment/index.ts";
import { payoutErrors } from "./errors.ts";
import type { Payout } from "./payout.ts";
import { releasePayout } from "./release-payout.ts";
import { requirePayer } from "./route-payout.ts";
import type { PayoutServices } from "./services.ts";
import { loadByNumbers, loadPayouts } from "./store.ts";
import { writePayouts } from "./write-payouts.ts";

export interface CreatePayoutInput {
  readonly out_payout_no: string;
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: string;
  /** Public id. */
  readonly beneficiary: string;
  readonly title: string | undefined;
  readonly metadata: Record<string, string> | undefined;
}

/**
 * Throws the errors of this module's catalogue, beneficiary.not_found and idempotency.key_reused. The same number with the
 * same content gives the same payout.
 */
export async function createPayout(
  services: PayoutServices,
  caller: Caller,
  input: CreatePayoutInput,
  idempotency: IdempotencyKey | undefined,
): Promise<{ payout: Payout; created: boolean }> {
  const request_hash = hashContent(input);
  const beneficiary = await findBeneficiary(services.db, caller, input.beneficiary);
  const { merchant_id, livemode } = caller;
  const earlier = await findEarlier(services.db, caller, input, request_hash, idempotency);
  if (earlier) return { payout: earlier, created: false };
  await requirePayer(services, { merchant_id, livemode }, beneficiary, input.currency);
  const write = async (tx: Transaction): Promise<{ payout: Payout; created: boolean }> => {
    const existing = await findEarlier(tx, caller, input, request_hash, idempotency);
    if (existing) return { payout: existing, created: false };
    const { amount, out_payout_no, title = null, metadata = {} } = input;
    const wanted = { amount, title, metadata, app_id: caller.app_id, out_payout_no, request_hash };
    const where = { book: { merchant_id, livemode }, currency: input.currency };
    const [written] = await writePayouts(services, tx, where, [{ ...wanted, beneficiary_id: beneficiary.id }]);
    if (written instanceof TributaryError) throw written;
    if (idempotency) await storeKeys(tx, [keyOf(caller, idempotency, written!)]);
    return { payout: written!, created: true };
  };
  const made = await rerunAfterRace(() => services.db.transaction(write), tookNumber);
  services.kick.webhooks();
  return made.created ? { payout: await releasePayout(services, made.payout, "now"), created: true } : made;
}

function keyOf({ merchant_id, app_id, livemode }: Caller, idempotency: IdempotencyKey, payout: Payout) {
  const made = { object_type: "payout", object_id: payout.id, created_at: payout.created_at };
  return { merchant_id, app_id, livemode, ...idempotency, ...made };
}

/** Another process used the number first. */
export function tookNumber(error: unknown): boolean {
  return brokenConstraint(error) === "payouts_number";
}

/** What the same request made before. @throws idempotency.key_reused, payout.out_payout_no_conflict */
async function findEarlier(
  sql: PayoutServices["db"] | Transaction,
  caller: Caller,
  { out_payout_no }: CreatePayoutInput,
  request_hash: Buffer,
  idempotency: IdempotencyKey | undefined,
): Promise<Payout | undefined> {
  const [state] = idempotency ? await findKeys(sql, [{ ...caller, ...idempotency }]) : [];
  if (state?.kind === "conflict") throw idempotencyErrors["idempotency.key_reused"]();
  if (state?.kind === "replay") {
    const id = state.object_id;
    return (await loadPayouts(sql, [{ merchant_id: caller.merchant_id, id }])).get(id);
  }
  const existing = (await loadByNumbers(sql, caller, [out_payout_no])).get(out_payout_no);
  if (!existing || existing.request_hash?.equals(request_hash)) return existing;
  throw payoutErrors["payout.out_payout_no_conflict"]({ param: "out_payout_no", values: { out_payout_no } });
}
