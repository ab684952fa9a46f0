/**
 * Guarantee: what Alipay signed is cut out character for character, whatever the answer looks like, so that a signature
 * is checked over the very text that is then read.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { cutMembers } from "./raw-json.ts";

const names = fc.string({ minLength: 1 }).filter((name) => JSON.stringify(name) === `"${name}"`);
const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);

it("cuts every member of any JSON object, with any spaces between", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(names, fc.json()), { selector: ([name]) => name }), space, (members, gap) => {
      const inner = members.map(([name, text]) => `${gap}"${name}"${gap}:${gap}${text.trim()}${gap}`).join(",");
      const cut = cutMembers(`${gap}{${inner}}${gap}`);
      expect([...cut!]).toEqual(members.map(([name, text]) => [name, text.trim()]));
    }),
  );
});

it("keeps escapes, brackets in strings and nesting as they are", () => {
  const value = `{"a":"} \\" ] \\/ \\\\","b":[{"c":[1,2]},"]"],"d":-1.5e3}`;
  expect(cutMembers(`{"x":${value},"sign":"s"}`)?.get("x")).toBe(value);
});

it("answers a member or nothing, and always ends, for any text", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), fc.stringMatching(/^[{}[\]",:\\ a]{0,30}$/)), (text) => {
      const cut = cutMembers(text);
      for (const value of cut?.values() ?? []) expect(text).toContain(value);
    }),
    { numRuns: 500 },
  );
});

it.each(["", "[]", "null", '{"a"', '{"a":', '{"a":1', '{"a" 1}', '{"a":{}', '{"a":"}', "{a:1}", '{"a":1 "b":2}'])(
  "refuses %s",
  (text) => {
    expect(cutMembers(text)?.get("b")).toBeUndefined();
  },
);
