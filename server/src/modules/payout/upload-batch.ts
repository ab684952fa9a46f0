/** Takes a file of payouts: read, checked as a whole, and kept. Nothing moves before it is confirmed. */
import { sha256 } from "../../kit/crypto.ts";
import { TributaryError } from "../../kit/error.ts";
import type { Caller } from "../../kit/http/api.ts";
import { publicId } from "../../kit/id.ts";
import { isCurrency } from "../../kit/money.ts";
import { brokenConstraint } from "../../kit/sql/database.ts";
import { createBeneficiary, findByAccounts } from "../beneficiary/index.ts";
import { rerunAfterRace } from "../idempotency/index.ts";
import type { PayoutBatch } from "./batch.ts";
import { readBatchFile } from "./batch-file.ts";
import { insertBatch, insertLines, loadByFile } from "./batch-store.ts";
import { type CheckedFile, type CheckedLine, checkBatch } from "./check-batch.ts";
import { payoutErrors } from "./errors.ts";
import type { PayoutServices } from "./services.ts";

export interface GivenFile {
  readonly bytes: Buffer;
  readonly name: string | null;
  readonly currency: string;
}

/** The same file again, while it is a batch that was not cancelled or found invalid, is that batch. @throws payout_batch.unreadable */
export async function uploadBatch(
  services: PayoutServices,
  caller: Caller,
  { bytes, name, currency }: GivenFile,
): Promise<{ batch: PayoutBatch; created: boolean }> {
  const file_hash = sha256(bytes);
  const earlier = await loadByFile(services.db, caller, file_hash);
  if (earlier) return { batch: earlier, created: false };
  if (!isCurrency(currency)) {
    throw payoutErrors["payout_batch.unreadable"]({ values: { problem: `${currency} is no currency.` } });
  }
  const checked = await checkBatch(services, caller, currency, readBatchFile(bytes));
  const lines = checked.error_count === 0 ? await enterAccounts(services, caller, checked) : checked.lines;
  const batch = describe(services, caller, { name, currency, file_hash }, checked);
  return rerunAfterRace(
    () =>
      services.db.transaction(async (tx) => {
        const same = await loadByFile(tx, caller, file_hash);
        if (same) return { batch: same, created: false };
        await insertBatch(tx, batch);
        await insertLines(tx, batch, lines);
        return { batch, created: true };
      }),
    (error) => brokenConstraint(error) === "payout_batches_file",
  );
}

function describe(
  { ids, clock }: PayoutServices,
  { merchant_id, app_id, livemode, key_id }: Caller,
  { name, currency, file_hash }: { name: string | null; currency: string; file_hash: Buffer },
  { lines, error_count }: CheckedFile,
): PayoutBatch {
  const total = (pick: (line: CheckedLine) => bigint) => lines.reduce((sum, line) => sum + pick(line), 0n);
  return {
    ...{ merchant_id, id: ids.uuid(), app_id, livemode, currency, file_name: name, file_hash },
    ...{ status: error_count === 0 ? "ready" : "invalid", line_count: lines.length, error_count },
    transfer_amount: total((line) => line.transfer_amount),
    fee_amount: total((line) => line.fee_amount),
    ...{ created_by: publicId("api_key", key_id), confirmed_by: null, created_at: clock.now() },
    ...{ confirmed_at: null, finished_at: null },
  };
}

/** Accounts that the merchant's rule lets in by themselves become beneficiaries, and begin to cool. */
async function enterAccounts(
  services: PayoutServices,
  { merchant_id, livemode, key_id }: Caller,
  { lines }: CheckedFile,
): Promise<readonly CheckedLine[]> {
  const unknown = lines.filter(({ account }) => account !== undefined);
  if (unknown.length === 0) return lines;
  const entering = { merchant_id, livemode, actor: publicId("api_key", key_id) };
  for (const { account } of unknown) {
    await createBeneficiary(services, entering, account!).catch((error) => {
      // The same account stands in another line, or was entered meanwhile.
      if (!(error instanceof TributaryError && error.code === "beneficiary.exists")) throw error;
    });
  }
  const accounts = unknown.map(({ account }) => account!);
  const found = await findByAccounts(services, entering, accounts);
  const ids = new Map(unknown.map(({ line }, index) => [line, found[index]!.id]));
  return lines.map((line) => ({ ...line, beneficiary_id: line.beneficiary_id ?? ids.get(line.line) ?? null }));
}
