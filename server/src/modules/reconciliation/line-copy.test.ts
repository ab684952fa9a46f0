/**
 * Guarantees: whatever a bill's texts hold, COPY reads back each value as it was, in its column; our numbers become ids; what
 * was taken is not changed by what is added later.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { BillLine } from "../../channels/contract.ts";
import { encodeUuid } from "../../kit/id.ts";
import { createLineCopy } from "./line-copy.ts";

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }).map((value) => value.replaceAll("\0", " ")),
  fc.string({ unit: fc.constantFrom("\\", "\t", "\n", "\r", "N", ".", "茶", "😀", "a"), maxLength: 200 }),
  fc.constant("茶".repeat(70_000)),
);
const textOrNone = fc.option(text);
const lines: fc.Arbitrary<BillLine> = fc.record({
  line_no: fc.nat(),
  entry: fc.constantFrom("payment", "refund", "other"),
  our_no: textOrNone,
  original_our_no: fc.constant(null),
  channel_trade_no: textOrNone,
  channel_refund_no: textOrNone,
  merchant_no: textOrNone,
  amount: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
  fee: fc.bigInt({ min: -1_000n, max: 1_000n }),
  currency: fc.constant("CNY"),
  status: fc.constantFrom("succeeded", "pending"),
  occurred_at: fc.integer({ min: 0, max: 4e12 }),
  balance_after: fc.option(fc.bigInt({ min: 0n, max: 2n ** 62n })),
  note: textOrNone,
});

const named: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", "\\": "\\" };

/** As the documentation of COPY says. */
function readCell(cell: string): string | null {
  return cell === "\\N" ? null : cell.replace(/\\(.)/gs, (_, letter: string) => named[letter]!);
}

const readRows = (bytes: Buffer) =>
  bytes
    .toString()
    .split("\n")
    .slice(0, -1)
    .map((row) => row.split("\t").map(readCell));

const whole = (value: string | null) => value?.toWellFormed() ?? null;

function cellsOf(line: BillLine): (string | null)[] {
  return [
    ...["7", "2", String(line.line_no), line.entry, line.status, null, whole(line.our_no), null],
    ...[whole(line.channel_trade_no), whole(line.channel_refund_no), whole(line.merchant_no), line.currency],
    ...[String(line.amount), String(line.fee), new Date(line.occurred_at).toISOString()],
    ...[line.balance_after?.toString() ?? null, whole(line.note)],
  ];
}

test("COPY reads what the bill says", () => {
  fc.assert(
    fc.property(fc.array(lines, { maxLength: 8 }), fc.array(lines, { maxLength: 3 }), (first, second) => {
      const copy = createLineCopy(7n);
      for (const line of first) copy.add(2, line);
      const taken = copy.take();
      for (const line of second) copy.add(2, line);
      expect(readRows(copy.take())).toEqual(second.map(cellsOf));
      expect(readRows(taken)).toEqual(first.map(cellsOf));
    }),
  );
});

test("our numbers are ids", () => {
  const [line] = fc.sample(lines, 1) as [BillLine];
  const [own, original] = ["01234567-89ab-7cde-8f01-23456789abcd", "01234567-89ab-7cde-8f01-23456789abce"];
  const copy = createLineCopy(7n);
  copy.add(2, { ...line, our_no: encodeUuid(own), original_our_no: encodeUuid(original) });
  expect(readRows(copy.take())[0]!.slice(5, 8)).toEqual([own, null, original]);
});
