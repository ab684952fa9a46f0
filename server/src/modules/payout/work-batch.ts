/**
 * Makes a confirmed batch into payouts, some lines at a time. Lines, payouts and postings of a turn are one transaction, and a
 * line that a worker holds no other takes: however many work, and wherever one dies, a line is a payout once.
 */
import { TributaryError } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { rerunAfterRace } from "../idempotency/index.ts";
import { hashContent } from "../payment/index.ts";
import type { BatchLine, PayoutBatch } from "./batch.ts";
import { claimLines, endLines, hasOpenLines, moveBatch, scheduleBatch } from "./batch-store.ts";
import { tookNumber } from "./create-payout.ts";
import { payoutErrors } from "./errors.ts";
import type { PayoutServices } from "./services.ts";
import { loadByNumbers } from "./store.ts";
import { type Written, writePayouts } from "./write-payouts.ts";

const LINES_IN_TURN = 250;

/** What other workers hold is looked at again so soon; what may not be paid now, so late. */
const OTHERS_MS = 2_000;
const REFUSED_MS = 10 * 60_000;

/** Works until no line is left; a batch whose account may not pay out now goes on later. */
export async function workBatch(services: PayoutServices, batch: PayoutBatch): Promise<void> {
  try {
    while ((await rerunAfterRace(() => takeTurn(services, batch), tookNumber)) > 0) services.kick.payouts();
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    services.log.warn(
      { batch_id: batch.id, code: error.code },
      "a batch of payouts waits: nothing may be paid out now",
    );
    return scheduleBatch(services.db, batch, services.clock.now() + REFUSED_MS);
  }
  services.kick.webhooks();
  const now = services.clock.now();
  if (await hasOpenLines(services.db, batch)) return scheduleBatch(services.db, batch, now + OTHERS_MS);
  await moveBatch(services.db, batch, { expected: "confirmed", status: "finished", by: null, now });
}

/** Makes some lines into payouts; gives how many lines it found. */
async function takeTurn(services: PayoutServices, batch: PayoutBatch): Promise<number> {
  return services.db.transaction(async (tx) => {
    const lines = await claimLines(tx, batch, LINES_IN_TURN);
    if (lines.length === 0) return 0;
    const used = await loadByNumbers(
      tx,
      batch,
      lines.map(({ out_payout_no }) => out_payout_no!),
    );
    const fresh = lines.filter(({ out_payout_no }) => !used.has(out_payout_no!));
    const written = await writeLines(services, tx, batch, fresh);
    const results = new Map<number, Written>(fresh.map(({ line }, index) => [line, written[index]!]));
    await endLines(
      tx,
      batch,
      lines.map((line) => endOf(line, results.get(line.line))),
    );
    return lines.length;
  });
}

function writeLines(
  services: PayoutServices,
  tx: Transaction,
  batch: PayoutBatch,
  lines: readonly BatchLine[],
): Promise<Written[]> {
  const { currency, app_id, id: batch_id } = batch;
  const wanted = lines.map((line) => {
    const { out_payout_no, title, line: batch_line } = line;
    const [amount, beneficiary_id] = [line.amount!, line.beneficiary_id!];
    const request_hash = hashContent({ batch: batch_id, line: batch_line });
    return {
      ...{ amount, beneficiary_id, title, metadata: {}, app_id, out_payout_no, request_hash, batch_id, batch_line },
    };
  });
  return writePayouts(services, tx, { book: batch, currency }, wanted, 0);
}

function endOf({ line, out_payout_no }: BatchLine, result: Written | undefined) {
  const refused =
    result ?? payoutErrors["payout.out_payout_no_conflict"]({ values: { out_payout_no: out_payout_no ?? "" } });
  return refused instanceof TributaryError
    ? { line, payout_id: null, failure_code: refused.code, failure_message: refused.message }
    : { line, payout_id: refused.id, failure_code: null, failure_message: null };
}
