/** Guarantee: a form is read byte for byte, so that what was signed in any character set is what is verified. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { canonicalizeForm, readForm } from "./raw-form.ts";

it("reads what URLSearchParams writes, whatever the text", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), fc.string({ unit: "grapheme" })), (fields) => {
      const form = readForm(Buffer.from(new URLSearchParams(fields).toString()));
      expect(Object.fromEntries([...form].map(([name, value]) => [name, value.toString("utf8")]))).toEqual({
        ...fields,
      });
    }),
  );
});

it("keeps bytes that are no UTF-8, and what only looks like an escape", () => {
  const form = readForm(Buffer.from("a=%B2%e8%zz%&&b=1+2%2B&c"));
  expect([...form].map(([name, value]) => [name, value.toString("latin1")])).toEqual([
    ["a", "\xb2\xe8%zz%"],
    ["b", "1 2+"],
    ["c", ""],
  ]);
});

it("joins what is signed by name, without empty values and without the signature", () => {
  const form = readForm(Buffer.from("b=%B2%E8&sign=x&a=1&c="));
  expect(canonicalizeForm(form, ["sign"]).toString("latin1")).toBe("a=1&b=\xb2\xe8");
});
