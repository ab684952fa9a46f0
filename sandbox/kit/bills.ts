/**
 * Bills with chosen discrepancies. A channel's writer makes its lines from its trades; what was asked for on the control
 * plane is then done to them, the same at each download, and the channel writes them in its own form.
 */
import type { Channel } from "./faults.ts";
import { ControlError, type Fields, isFields } from "./input.ts";

/** What every line of a bill has, whatever the channel. Amounts are whole fen, above zero for refunds too. */
export type BillLine = {
  type: "payment" | "refund";
  /** The merchant's number of the payment or of the refund. */
  number: string;
  amount: bigint;
  fee: bigint;
  /** The channel's word, where its bill has a column for it. */
  status?: string;
};

/** What every simulated channel takes of a payment, in parts per million: a usual figure of the field. */
const fee_ppm = 3_800n;

/** The channel's fee of a payment in whole fen, halves rounded up. */
export function feeOf(amount: bigint): bigint {
  return (amount * fee_ppm + 500_000n) / 1_000_000n;
}

export const discrepancy_kinds = ["missing", "late", "extra", "amount", "fee", "status"] as const;

/** One thing that is wrong with a bill. Without a number it falls on the first line that nothing else has fallen on. */
export type Discrepancy = { number?: string } & (
  | { kind: "missing" } // The line is not there.
  | { kind: "late" } // The line is in the next day's bill.
  | { kind: "extra"; number: string; amount: bigint } // A payment that never was.
  | { kind: "amount"; by: bigint }
  | { kind: "fee"; by: bigint }
  | { kind: "status"; status: string }
);

/** A bill: a channel's, a merchant's, of a business day `yyyy-MM-dd`. */
export type BillName = { channel: Channel; merchant: string; date: string };

/** A channel's own part of a bill. */
export type BillWriter<Line extends BillLine> = {
  /** The lines of a day in their order. */
  collect: (date: string) => Line[];
  /** The line of a payment that never was; the same each time. */
  invent: (number: string, amount: bigint) => Line;
};

export type BillBook = {
  /** Publishes the bill of a day at once, with discrepancies in addition to those asked for before. */
  ask(name: Omit<BillName, "merchant"> & { merchant?: string }, discrepancies: readonly Discrepancy[]): void;
  /** Whether the bill can be fetched: its time has come, or it was asked for. */
  isPublished(name: BillName, now_ms: number, ready_ms: number): boolean;
  /** The lines as the bill is to show them. */
  bend<Line extends BillLine>(name: BillName, writer: BillWriter<Line>): Line[];
  clear(): void;
};

type Asked = { channel: Channel; date: string; merchant?: string; discrepancies: readonly Discrepancy[] };

const day_ms = 86_400_000;

function dayBefore(date: string): string {
  return new Date(Date.parse(date) - day_ms).toISOString().slice(0, 10);
}

/** Finds the line that a discrepancy falls on, and marks it. */
function pick<Line extends BillLine>(lines: Line[], touched: Set<Line>, number: string | undefined): Line | undefined {
  const found = lines.find((line) => (number === undefined ? !touched.has(line) : line.number === number));
  if (found !== undefined) touched.add(found);
  return found;
}

/** Does to a day's lines what was asked; answers what stays and what the next day's bill shows. */
function apply<Line extends BillLine>(
  asked: readonly Discrepancy[],
  { collect, invent }: BillWriter<Line>,
  date: string,
): { stays: Line[]; late: Line[] } {
  const lines = collect(date).map((line) => ({ ...line }));
  const touched = new Set<Line>();
  const gone = new Set<Line>();
  const late: Line[] = [];
  for (const discrepancy of asked) {
    if (discrepancy.kind === "extra") {
      lines.push(invent(discrepancy.number, discrepancy.amount));
      continue;
    }
    const line = pick(lines, touched, discrepancy.number);
    if (line === undefined) continue;
    if (discrepancy.kind === "missing" || discrepancy.kind === "late") gone.add(line);
    if (discrepancy.kind === "late") late.push(line);
    if (discrepancy.kind === "amount") line.amount += discrepancy.by;
    if (discrepancy.kind === "fee") line.fee += discrepancy.by;
    if (discrepancy.kind === "status") line.status = discrepancy.status;
  }
  return { stays: lines.filter((line) => !gone.has(line)), late };
}

/** Builds an empty book. */
export function createBillBook(): BillBook {
  const book: Asked[] = [];
  const find = ({ channel, merchant, date }: BillName) =>
    book.filter(
      (asked) =>
        asked.channel === channel &&
        asked.date === date &&
        (asked.merchant === undefined || asked.merchant === merchant),
    );
  const discrepanciesOf = (name: BillName) => find(name).flatMap(({ discrepancies }) => discrepancies);
  return {
    ask: (name, discrepancies) => void book.push({ ...name, discrepancies }),
    isPublished: (name, now_ms, ready_ms) => now_ms >= ready_ms || find(name).length > 0,
    bend(name, writer) {
      const before = { ...name, date: dayBefore(name.date) };
      const { late } = apply(discrepanciesOf(before), writer, before.date);
      return [...late, ...apply(discrepanciesOf(name), writer, name.date).stays];
    },
    clear: () => void book.splice(0),
  };
}

/** Channels whose bills have a column for the state of a line. */
const with_status: readonly Channel[] = ["wechat"];

/** Reads the discrepancies of a control request. Throws ControlError. */
export function readDiscrepancies(channel: Channel, value: unknown): Discrepancy[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new ControlError(400, '"discrepancies" must be a list.');
  return value.map((item) => {
    if (!isFields(item)) throw new ControlError(400, "A discrepancy must be an object.");
    return readDiscrepancy(channel, item);
  });
}

function readDiscrepancy(channel: Channel, item: Fields): Discrepancy {
  const { kind, number } = item;
  const named = typeof number === "string" ? { number } : {};
  if (number !== undefined && typeof number !== "string") throw new ControlError(400, '"number" must be a text.');
  switch (kind) {
    case "missing":
    case "late":
      return { kind, ...named };
    case "extra":
      if (typeof number !== "string") throw new ControlError(400, 'An "extra" line needs a "number".');
      return { kind, number, amount: wholeFen(item, "amount") };
    case "amount":
    case "fee":
      return { kind, by: wholeFen(item, "by"), ...named };
    case "status":
      if (!with_status.includes(channel)) throw new ControlError(400, `Bills of ${channel} show no status.`);
      if (typeof item.status !== "string") throw new ControlError(400, 'A "status" needs the "status" to show.');
      return { kind, status: item.status, ...named };
    default:
      throw new ControlError(400, `"kind" must be one of ${discrepancy_kinds.join(", ")}.`);
  }
}

function wholeFen(item: Fields, key: string): bigint {
  const value = item[key];
  if (!Number.isSafeInteger(value)) throw new ControlError(400, `"${key}" must be a whole number of fen.`);
  return BigInt(value as number);
}
