/** Counts and sums of a bill as its lines pass. */
import type { BillEntry, BillLine, BillStatus, BillSum } from "./contract.ts";

/** A sum of many small whole numbers: a bigint for each would cost more than reading the line does. */
export interface RunningSum {
  /** @param value a safe integer. */
  add(value: number): void;
  total(): bigint;
}

const SPILL = 2 ** 52;

/** Begins at zero. */
export function createSum(): RunningSum {
  let near = 0;
  let far = 0n;
  return {
    add(value) {
      if (value > SPILL || value < -SPILL) {
        far += BigInt(value);
        return;
      }
      near += value;
      if (near > SPILL || near < -SPILL) {
        far += BigInt(near);
        near = 0;
      }
    },
    total: () => far + BigInt(near),
  };
}

export interface Tally {
  add(line: BillLine): void;
  /** Counts a rejected line; answers how many there are of both. */
  reject(): { lines: number; rejected: number };
  /** The time of the line that is nearest to an instant; undefined without lines. */
  nearest(): number | undefined;
  totals(): { lines: number; rejected: number; sums: BillSum[] };
}

interface Slot {
  readonly entry: BillEntry;
  readonly status: BillStatus;
  readonly currency: string;
  count: number;
  amount: bigint;
  fee: bigint;
}

/** Empty. @param about epoch milliseconds that `nearest` is measured from. */
export function createTally(about = 0): Tally {
  const slots: Slot[] = [];
  let lines = 0;
  let rejected = 0;
  let last: Slot | undefined;
  let nearest: number | undefined;
  let distance = Number.POSITIVE_INFINITY;
  const isOf = (slot: Slot, { entry, status, currency }: BillLine) =>
    slot.entry === entry && slot.status === status && slot.currency === currency;
  function slotOf(line: BillLine): Slot {
    if (last && isOf(last, line)) return last;
    last = slots.find((slot) => isOf(slot, line));
    if (!last) {
      const { entry, status, currency } = line;
      last = { entry, status, currency, count: 0, amount: 0n, fee: 0n };
      slots.push(last);
    }
    return last;
  }
  return {
    add(line) {
      lines += 1;
      const slot = slotOf(line);
      slot.count += 1;
      slot.amount += line.amount;
      slot.fee += line.fee;
      const away = Math.abs(line.occurred_at - about);
      if (away >= distance) return;
      distance = away;
      nearest = line.occurred_at;
    },
    nearest: () => nearest,
    reject() {
      rejected += 1;
      return { lines, rejected };
    },
    totals: () => ({ lines, rejected, sums: slots.map((slot) => ({ ...slot })) }),
  };
}
