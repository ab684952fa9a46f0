/** Reading a whole file at once, for tests. */
import { Readable } from "node:stream";
import { readBill } from "../bill-reader.ts";
import type { BillFormat, BillLine, BillReadInput, RejectedLine } from "../contract.ts";
import { getChannel } from "../registry.ts";

export const formatOf = (channel: string, kind: "trade" | "fund_flow" = "trade"): BillFormat =>
  getChannel(channel)!.bills!.formats![kind]!;
type File = { name?: string; bytes: Buffer | string | AsyncIterable<Buffer> };

/** Its lines, what was rejected, and its totals. */
export async function read(format: BillFormat, file: File | Buffer | string, input: BillReadInput = {}) {
  const one: File = typeof file === "string" || Buffer.isBuffer(file) ? { bytes: file } : file;
  const bytes = typeof one.bytes === "string" ? Buffer.from(one.bytes) : one.bytes;
  const chunks = Buffer.isBuffer(bytes) ? Readable.from(bytes.length > 0 ? [bytes] : []) : bytes;
  const reading = readBill(format, input, [{ name: one.name, chunks }]);
  const lines: BillLine[] = [];
  const rejected: RejectedLine[] = [];
  for await (const batch of reading.batches) {
    lines.push(...batch.lines);
    rejected.push(...batch.rejected);
  }
  return { lines, rejected, totals: reading.totals() };
}

/** The code and the sentence of its refusal; "read" where it is read. */
export const refusal = (format: BillFormat, file: File | Buffer | string, input?: BillReadInput) =>
  read(format, file, input).then(
    () => "read",
    (error) => (error.name === "BillRefused" ? [error.code, error.message] : Promise.reject(error)),
  );
