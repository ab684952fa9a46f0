/** Guarantees that yuan and fen are the same money both ways, and that nothing but an amount is read as one. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { formatYuan, parseYuan } from "./money.ts";

it("reads what it writes", () => {
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 99_999_999_999n }), (fen) => parseYuan(formatYuan(fen)) === fen));
});

it.each([
  ["0.01", 1n],
  ["1", 100n],
  ["1.5", 150n],
  ["88.88", 8888n],
  [88.88, 8888n],
])("reads %j as %s fen", (yuan, fen) => {
  expect(parseYuan(yuan)).toBe(fen);
});

it.each(["", "-1", "1.234", "1e3", ".5", "1.", " 1", "1,000.00", "NaN", 1e21, -1, null, undefined, {}])(
  "does not read %j as an amount",
  (value) => {
    expect(parseYuan(value)).toBeUndefined();
  },
);
