// Guarantee: ratios of a payment never make more than the payment, to the minor unit; fixed amounts are what was said; nobody
// is in a plan twice; and names of receivers cannot be read from what is shown.
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { publicId } from "../../kit/id.ts";
import { leftToShare } from "./left.ts";
import { planParts, refuseTwice } from "./plan-parts.ts";
import { maskAccount, maskName } from "./receiver.ts";

const amounts = fc.bigInt({ min: 1n, max: 10n ** 12n });

describe("a plan", () => {
  test("shares no more than the whole by ratios, and all of it but what rounding leaves", () => {
    const ratios = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(amounts, ratios, (amount, ppms) => {
        const shares = ppms.map((ratio_ppm) => ({ receiver_id: randomUUID(), ratio_ppm }));
        const sum = planParts(amount, shares, true).reduce((total, part) => total + part.amount, 0n);
        const ppm = BigInt(ppms.reduce((total, one) => total + one, 0));
        const exact = (amount * ppm) / 1_000_000n;
        expect(sum <= exact && exact - sum < BigInt(ppms.length + 1)).toBe(true);
      }),
    );
  });

  test("keeps fixed amounts, and refuses who would get nothing unless a rule asks", () => {
    const receiver_id = randomUUID();
    expect(planParts(10n, [{ receiver_id, amount: "7" }], false)).toMatchObject([{ amount: 7n }]);
    const tiny = [{ receiver_id, ratio_ppm: 99_999 }];
    expect(() => planParts(10n, tiny, false)).toThrow(publicId("receiver", receiver_id));
    expect(planParts(10n, tiny, true)).toEqual([]);
  });

  test("names whom it would share with twice", () => {
    const [one, other] = [{ receiver_id: randomUUID() }, { receiver_id: randomUUID() }];
    expect(() => refuseTwice([one, other])).not.toThrow();
    expect(() => refuseTwice([one, other, one])).toThrow(publicId("receiver", one.receiver_id));
  });
});

test("what is left is never more than what was paid less the fee, whatever was refunded", () => {
  fc.assert(
    fc.property(amounts, fc.array(fc.tuple(amounts, amounts), { maxLength: 5 }), (amount, refunded) => {
      const fee_amount = amount / 100n;
      const refunds = refunded.map(([one, other]) => ({ amount: one, fee_amount: other % (one + 1n) }));
      expect(leftToShare({ amount, fee_amount }, refunds, []) <= amount - fee_amount).toBe(true);
    }),
  );
});

test("masks show the ends of long accounts only, and of names the last character", () => {
  expect(maskAccount("1900000109")).toBe("190***109");
  expect(maskAccount("a@b.c")).toBe("a***");
  expect(maskName("张三")).toBe("***三");
  expect(maskName("")).toBe("***");
});
