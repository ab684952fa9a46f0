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
  at_ms: number;
  /** The channel's word, where its bill has a column for it. */
  status?: string;
  /** Where its bill has a column for it: `CNY`. */
  currency?: string;
};

/** What every simulated channel takes of a payment, in parts per million: a usual figure of the field. */
const fee_ppm = 3_800n;

/** The channel's fee of a payment in whole fen, halves rounded up. */
export function feeOf(amount: bigint): bigint {
  return (amount * fee_ppm + 500_000n) / 1_000_000n;
}

/** What may be wrong with lines, and with the file of a bill as a whole. */
const line_kinds = [
  ...(["missing", "missing_refund", "late", "midnight", "extra", "duplicate"] as const),
  ...(["amount", "fee", "status", "currency", "number"] as const),
] as const;
const file_kinds = ["summary", "hash", "truncated", "doubled", "encoding", "not_ready"] as const;
export const discrepancy_kinds = [...line_kinds, ...file_kinds] as const;
type Kind = (typeof discrepancy_kinds)[number];

/** One thing that is wrong with lines. Without a number it falls on the first line that nothing else has fallen on. */
type LineDiscrepancy = { number?: string } & (
  | { kind: "missing" } // The line is not there.
  | { kind: "missing_refund" } // The same, of the first refund.
  | { kind: "late" } // The line is in the next day's bill.
  | { kind: "midnight" } // The same, and its time is of the next day, too.
  | { kind: "extra"; number: string; amount: bigint } // A payment that never was.
  | { kind: "duplicate" } // The line is there twice.
  | { kind: "amount"; by: bigint }
  | { kind: "fee"; by: bigint }
  | { kind: "status"; status: string }
  | { kind: "currency"; currency: string }
  | { kind: "number"; to: string }
);

/** What is wrong with the file. */
type FileDiscrepancy =
  | { kind: "summary"; by: bigint } // The sums at its end are wrong.
  | { kind: "hash" } // Another hash is told than the file has.
  | { kind: "truncated" } // Its second half is missing.
  | { kind: "doubled" } // It is there twice, one behind the other.
  | { kind: "encoding" } // Bytes in its middle belong to no character set.
  | { kind: "not_ready"; seconds: number }; // It is not there yet.

export type Discrepancy = LineDiscrepancy | FileDiscrepancy;

const isOfLine = (discrepancy: Discrepancy): discrepancy is LineDiscrepancy =>
  (line_kinds as readonly Kind[]).includes(discrepancy.kind);

/** A bill: a channel's, a merchant's, of a business day `yyyy-MM-dd`. */
export type BillName = { channel: Channel; merchant: string; date: string };

/** A channel's own part of a bill. */
export type BillWriter<Line extends BillLine> = {
  /** The lines of a day in their order. */
  collect: (date: string) => Line[];
  /** The line of a payment that never was; the same each time. */
  invent: (number: string, amount: bigint) => Line;
  /** When a day ends. */
  endOf: (date: string) => number;
};

/** What is wrong with the file of a bill. */
export type FileFaults = {
  /** Added to the sums that the file states. */
  summary_by: bigint;
  wrong_hash: boolean;
  /** The file's bytes as they are to be published. */
  spoil: (content: Buffer) => Buffer;
};

export type BillBook = {
  /** Publishes the bill of a day at once, with discrepancies in addition to those asked for before. */
  ask(
    name: Omit<BillName, "merchant"> & { merchant?: string },
    discrepancies: readonly Discrepancy[],
    now_ms: number,
  ): void;
  /** Whether the bill can be fetched: its time has come, or it was asked for. */
  isPublished(name: BillName, now_ms: number, ready_ms: number): boolean;
  /** The lines as the bill is to show them. */
  bend<Line extends BillLine>(name: BillName, writer: BillWriter<Line>): Line[];
  /** Forgets what was asked for of a day, so that its bill is what it should be. */
  forget(name: Omit<BillName, "merchant"> & { merchant?: string }): void;
  /** How the file is to be spoilt. */
  faultsOf(name: BillName): FileFaults;
  clear(): void;
};

type Asked = {
  channel: Channel;
  date: string;
  merchant?: string;
  discrepancies: readonly Discrepancy[];
  at_ms: number;
};

const day_ms = 86_400_000;

function dayBefore(date: string): string {
  return new Date(Date.parse(date) - day_ms).toISOString().slice(0, 10);
}

/** Finds the line that a discrepancy falls on, and marks it. */
function pick<Line extends BillLine>(
  lines: Line[],
  touched: Set<Line>,
  { kind, number }: LineDiscrepancy,
): Line | undefined {
  const isMeant = (line: Line) => kind !== "missing_refund" || line.type === "refund";
  const found = lines.find((line) =>
    number === undefined ? !touched.has(line) && isMeant(line) : line.number === number && isMeant(line),
  );
  if (found !== undefined) touched.add(found);
  return found;
}

/** Changes what a line says. */
function change(line: BillLine, discrepancy: LineDiscrepancy): void {
  if (discrepancy.kind === "amount") line.amount += discrepancy.by;
  if (discrepancy.kind === "fee") line.fee += discrepancy.by;
  if (discrepancy.kind === "status") line.status = discrepancy.status;
  if (discrepancy.kind === "currency") line.currency = discrepancy.currency;
  if (discrepancy.kind === "number") line.number = discrepancy.to;
}

const midnight_ms = 10_000;

/** Does to a day's lines what was asked; answers what stays and what the next day's bill shows. */
function apply<Line extends BillLine>(
  asked: readonly LineDiscrepancy[],
  { collect, invent, endOf }: BillWriter<Line>,
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
    const line = pick(lines, touched, discrepancy);
    if (line === undefined) continue;
    const { kind } = discrepancy;
    if (kind === "missing" || kind === "missing_refund" || kind === "late" || kind === "midnight") gone.add(line);
    if (kind === "late") late.push(line);
    if (kind === "midnight") late.push({ ...line, at_ms: endOf(date) + midnight_ms });
    if (kind === "duplicate") lines.splice(lines.indexOf(line) + 1, 0, { ...line });
    change(line, discrepancy);
  }
  return { stays: lines.filter((line) => !gone.has(line)), late };
}

const foreign_bytes = Buffer.from([0xff, 0xff]);

function spoil(content: Buffer, kinds: ReadonlySet<Kind>): Buffer {
  let spoilt = content;
  const middle = Math.floor(content.length / 2);
  if (kinds.has("encoding"))
    spoilt = Buffer.concat([content.subarray(0, middle), foreign_bytes, content.subarray(middle)]);
  // Not where a line ends, also where all lines have one length.
  if (kinds.has("truncated")) spoilt = spoilt.subarray(0, middle - Math.min(200, Math.floor(content.length / 4)));
  return kinds.has("doubled") ? Buffer.concat([spoilt, spoilt]) : spoilt;
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
  const ofLines = (name: BillName) => discrepanciesOf(name).filter(isOfLine);
  const lateUntil = ({ at_ms, discrepancies }: Asked) =>
    discrepancies.map((asked) => (asked.kind === "not_ready" ? at_ms + asked.seconds * 1000 : 0));
  return {
    ask: (name, discrepancies, now_ms) => void book.push({ ...name, discrepancies, at_ms: now_ms }),
    isPublished(name, now_ms, ready_ms) {
      const asked = find(name);
      if (asked.some((item) => lateUntil(item).some((until_ms) => now_ms < until_ms))) return false;
      return now_ms >= ready_ms || asked.length > 0;
    },
    bend(name, writer) {
      const before = { ...name, date: dayBefore(name.date) };
      const { late } = apply(ofLines(before), writer, before.date);
      return [...late, ...apply(ofLines(name), writer, name.date).stays];
    },
    faultsOf(name) {
      const asked = discrepanciesOf(name);
      const kinds = new Set(asked.map(({ kind }) => kind));
      return {
        summary_by: asked.reduce((sum, item) => (item.kind === "summary" ? sum + item.by : sum), 0n),
        wrong_hash: kinds.has("hash"),
        spoil: (content) => spoil(content, kinds),
      };
    },
    forget({ channel, date, merchant }) {
      const kept = book.filter(
        (asked) => asked.channel !== channel || asked.date !== date || asked.merchant !== merchant,
      );
      book.splice(0, book.length, ...kept);
    },
    clear: () => void book.splice(0),
  };
}

const files: readonly Channel[] = ["wechat", "alipay", "unionpay"];

/** Where a discrepancy can show, if not in all bills: some have no such column, and Stripe's and PayPal's are no files. */
const places: Partial<Record<Kind, readonly Channel[]>> = {
  status: ["wechat", "paypal"],
  currency: ["wechat", "stripe", "paypal"],
  summary: ["wechat", "alipay"],
  hash: ["wechat"],
  truncated: files,
  doubled: files,
  encoding: files,
  not_ready: ["wechat", "alipay", "unionpay", "paypal"],
};

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
  const { number } = item;
  const named = typeof number === "string" ? { number } : {};
  if (number !== undefined && typeof number !== "string") throw new ControlError(400, '"number" must be a text.');
  const kind = discrepancy_kinds.find((known) => known === item.kind);
  if (kind === undefined) throw new ControlError(400, `"kind" must be one of ${discrepancy_kinds.join(", ")}.`);
  if (places[kind]?.includes(channel) === false) throw new ControlError(400, `Bills of ${channel} show no ${kind}.`);
  switch (kind) {
    case "extra":
      return { kind, number: text(item, "number"), amount: wholeFen(item, "amount") };
    case "amount":
    case "fee":
      return { kind, by: wholeFen(item, "by"), ...named };
    case "summary":
      return { kind, by: wholeFen(item, "by") };
    case "status":
      return { kind, status: text(item, "status"), ...named };
    case "currency":
      return { kind, currency: text(item, "currency"), ...named };
    case "number":
      return { kind, to: text(item, "to"), ...named };
    case "not_ready":
      return { kind, seconds: Number(wholeFen(item, "seconds")) };
    default:
      return { kind, ...named };
  }
}

function text(item: Fields, key: string): string {
  const value = item[key];
  if (typeof value === "string" && value !== "") return value;
  throw new ControlError(400, `This discrepancy needs a "${key}" that is a text.`);
}

function wholeFen(item: Fields, key: string): bigint {
  const value = item[key];
  if (!Number.isSafeInteger(value)) throw new ControlError(400, `"${key}" must be a whole number.`);
  return BigInt(value as number);
}
