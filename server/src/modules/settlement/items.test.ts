// Guarantee: whatever moves what is pending has its place in settlements: a template that does is found in the guide's
// worked examples, and its kind is listed under a type; a kind that never does has none.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type PendingSum, type TransactionKind, transactionKinds } from "../../ledger/index.ts";
import { itemTypeOfKind } from "./items.ts";
import { addUp, netOf } from "./settlement.ts";

const guide = readFileSync(new URL("../../../../docs/guides/books.md", import.meta.url), "utf8");
const examples = [...guide.matchAll(/```text\n([\s\S]*?)\n```/g)].flatMap(([, block]) => block!.split("\n\n"));
const moving = new Set(
  examples.filter((example) => example.includes(" merchant_pending ")).map((example) => example.split("\n")[0]!),
);

/** Corrections take back anything, and a settlement is what ranges are settled by. */
const apart: readonly TransactionKind[] = ["reversal", "settlement_created"];

test.each(Object.keys(transactionKinds) as TransactionKind[])("%s is listed if it moves what is pending", (kind) => {
  if (apart.includes(kind)) return;
  expect(itemTypeOfKind[kind] !== null, `${kind}: say in items.ts under what it is listed`).toBe(moving.has(kind));
});

const sumOf = (kind: TransactionKind): PendingSum => {
  return { kind, count: 1n, amount: -100n, fee: 3n, from_available: 20n, from_reserve: 7n };
};

test("each type has its count and amount, and all of them sum to the change of what is pending", () => {
  const kinds = (Object.keys(itemTypeOfKind) as TransactionKind[]).filter((kind) => itemTypeOfKind[kind] !== null);
  const figures = addUp(kinds.map(sumOf));
  expect(netOf(figures)).toBe(BigInt(kinds.length) * -70n);
  expect(figures).toMatchObject({ payment_count: 1n, refund_count: 2n, refund_amount: -200n, adjustment_count: 3n });
});

test("a kind that was said never to move what is pending, and does, stops the batch", () => {
  expect(() => addUp([sumOf("refund_succeeded")])).toThrow("items.ts");
});
