// Guarantee: a cashier address leads to exactly its payment, and what is no address leads nowhere.
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeCashierToken, encodeCashierToken } from "./cashier-token.ts";

test("every payment's token is 43 characters of a URL and leads back to it", () => {
  fc.assert(
    fc.property(fc.uuid(), fc.uuid(), (merchant_id, id) => {
      const token = encodeCashierToken({ merchant_id, id });
      expect(token).toMatch(/^[\w-]{43}$/);
      expect(decodeCashierToken(token)).toEqual({ merchant_id, id });
    }),
  );
});

test("anything else is none, and never throws", () => {
  const token = encodeCashierToken({
    ...{ merchant_id: "01a1f71c-7600-7514-81e4-d4306944274a", id: "01a1f71c-7600-7c62-9918-627ece49c8fa" },
  });
  for (const text of ["", "x", token.slice(1), `${token}A`, `${token.slice(0, 42)}=`, `${token.slice(0, 42)}/`]) {
    expect(decodeCashierToken(text)).toBeUndefined();
  }
  fc.assert(fc.property(fc.string(), (text) => void decodeCashierToken(text)));
});
