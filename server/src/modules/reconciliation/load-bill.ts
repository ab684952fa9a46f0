/**
 * Loads a bill: streams its lines into the database, in one transaction, so that a bill which is refused in its last line
 * leaves nothing. The newest bill of a day and kind counts; the same file again changes nothing.
 */
import type { BillBatch, BillLine } from "../../channels/contract.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import {
  copyLines,
  describeNewLines,
  insertBill,
  insertRejected,
  loadBills,
  type Rejected,
  replaceBill,
  takeBillNumber,
} from "./bill-store.ts";
import { reconciliationErrors } from "./errors.ts";
import { createLineCopy } from "./line-copy.ts";
import type { DayKey, LineSum, ReconciledKind, StoredBill } from "./reconciliation.ts";
import { mainBillOf } from "./rules.ts";
import type { ReconciliationServices } from "./services.ts";
import { insertDay, lockDay, moveDay } from "./store.ts";

export interface BillToLoad extends DayKey {
  readonly kind: ReconciledKind;
  readonly source: StoredBill["source"];
  readonly uploaded_by: string | null;
  readonly files: StoredBill["files"];
  /** Of the file's bytes; null where there is no file. */
  readonly sha256: Buffer | null;
  /** Its lines, in order. What it throws is thrown, and nothing is loaded. */
  readonly batches: AsyncIterable<BillBatch>;
}

export interface LoadedBill {
  readonly bill: StoredBill;
  /** What it took the place of. */
  readonly former: StoredBill | undefined;
  /** Whether the file was loaded before: nothing has changed. */
  readonly known: boolean;
}

/** Fewer lines than this find their plans by themselves. */
const DESCRIBED_LINES = 20_000n;

/** @throws reconciliation.day_closed, and what `batches` throws */
export async function loadBill(
  services: Pick<ReconciliationServices, "db" | "clock" | "ids" | "getChannel">,
  input: BillToLoad,
): Promise<LoadedBill> {
  const { db, clock } = services;
  const is_main = input.kind === (await mainBillOf(services, input.channel_account_id));
  await insertDay(db, input, null);
  return db.bulk(async (tx) => {
    const known = await findSame(tx, input);
    if (known) return { bill: known, former: undefined, known: true };
    const number = await takeBillNumber(tx);
    const counted = createCounter(number);
    await copyLines(tx, counted.through(input.batches));
    await insertRejected(tx, number, counted.rejected);
    const day = (await lockDay(tx, input))!;
    if (day.state === "closed") throw reconciliationErrors["reconciliation.day_closed"]({ values: { day: day.day } });
    const earlier = (await loadBills(tx, input)).filter(({ kind }) => kind === input.kind);
    const former = earlier.find(({ status }) => status === "current");
    if (former) await replaceBill(tx, former);
    const now = clock.now();
    const bill: StoredBill = {
      ...{ id: services.ids.uuid(), number, version: (earlier[0]?.version ?? 0) + 1, status: "current" },
      ...{ channel_account_id: input.channel_account_id, day: input.day, kind: input.kind, source: input.source },
      ...{ uploaded_by: input.uploaded_by, files: input.files },
      ...{ sha256: input.sha256, ...counted.result(), created_at: now },
    };
    await insertBill(tx, bill);
    // Of a day that still waits for its main bill, another one is kept: matched by it alone, all else would be missing.
    if (is_main || day.state !== "waiting") await moveDay(tx, day, { to: "loaded", due_at: now, renews: true });
    if (bill.lines >= DESCRIBED_LINES) await describeNewLines(tx);
    return { bill, former, known: false };
  });
}

async function findSame(tx: Transaction, input: BillToLoad): Promise<StoredBill | undefined> {
  const { sha256 } = input;
  if (!sha256) return undefined;
  const bills = await loadBills(tx, input);
  return bills.find(
    ({ kind, status, sha256: other }) => kind === input.kind && status === "current" && other?.equals(sha256),
  );
}

interface Sum {
  readonly entry: string;
  readonly status: string;
  readonly currency: string;
  count: number;
  amount: bigint;
  fee: bigint;
}

/** Counts what passes, and turns it into the bytes of COPY. */
function createCounter(number: bigint) {
  const rejected: Rejected[] = [];
  const sums: Sum[] = [];
  const copy = createLineCopy(number);
  let lines = 0n;
  let last: Sum | undefined;
  const isOf = (sum: Sum, { entry, status, currency }: BillLine) =>
    sum.entry === entry && sum.status === status && sum.currency === currency;
  function sumOf(line: BillLine): Sum {
    if (last && isOf(last, line)) return last;
    last = sums.find((sum) => isOf(sum, line));
    if (last) return last;
    const { entry, status, currency } = line;
    last = { entry, status, currency, count: 0, amount: 0n, fee: 0n };
    sums.push(last);
    return last;
  }
  return {
    rejected,
    async *through(batches: AsyncIterable<BillBatch>): AsyncGenerator<Buffer> {
      for await (const batch of batches) {
        for (const line of batch.rejected) rejected.push({ file_no: batch.file_no, ...line });
        if (batch.lines.length === 0) continue;
        lines += BigInt(batch.lines.length);
        for (const line of batch.lines) {
          const sum = sumOf(line);
          sum.count += 1;
          sum.amount += line.amount;
          sum.fee += line.fee;
          copy.add(batch.file_no, line);
        }
        yield copy.take();
      }
    },
    result(): Pick<StoredBill, "lines" | "rejected" | "totals"> {
      const totals = sums.map(
        ({ amount, fee, ...sum }): LineSum => ({ ...sum, amount: String(amount), fee: String(fee) }),
      );
      return { lines, rejected: BigInt(rejected.length), totals };
    },
  };
}
