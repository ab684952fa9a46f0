// Guarantee: no kind of transaction escapes verification: each is called for by exactly one kind of source, but for
// reversals, which are compared with what they take back.
import { expect, test } from "vitest";
import { transactionKinds } from "../../posting.ts";
import { sources } from "./index.ts";

test("each kind of transaction has one source, of the noun that it names", () => {
  const called = sources.flatMap(({ noun, kinds }) => kinds.map((kind) => [kind, noun] as const));
  const expected = Object.entries(transactionKinds).filter(([kind]) => kind !== "reversal");
  expect(called.toSorted()).toEqual(expected.toSorted());
});
