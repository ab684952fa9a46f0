/** Guarantees: the same content has the same hash however it is written, other content has another; bad keys are refused. */

import fc from "fast-check";
import type { FastifyRequest } from "fastify";
import { expect, test } from "vitest";
import { canonicalJson, hashRequest, readIdempotencyKey } from "./idempotency.ts";

/** The same JSON with the members of every object in reverse order. */
function reverseMembers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reverseMembers);
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).map(([key, member]) => [key, reverseMembers(member)] as const);
  return Object.fromEntries(members.reverse());
}

const hash = (body: unknown) => hashRequest("POST", "/v1/payments", body).toString("hex");

test("the order of members does not count", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (body) => {
      expect(hash(reverseMembers(body))).toBe(hash(body));
    }),
  );
});

test("other content, another path or another method has another hash", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const same = JSON.stringify(JSON.parse(canonicalJson(a))) === JSON.stringify(JSON.parse(canonicalJson(b)));
      expect(hash(a) === hash(b)).toBe(same);
    }),
  );
  const hashes = [
    hash({}),
    hash([]),
    hash(null),
    hash({ amount: 1 }),
    hash({ amount: "1" }),
    hash({ amount: 1n + 1n }),
  ];
  hashes.push(
    hashRequest("POST", "/v1/refunds", {}).toString("hex"),
    hashRequest("PUT", "/v1/payments", {}).toString("hex"),
  );
  expect(new Set(hashes).size).toBe(hashes.length);
});

test("what is undefined is as if it were not there, and a bigint is its number", () => {
  expect(canonicalJson({ b: undefined, a: 10n })).toBe('{"a":10}');
});

test.each(["", " ", "a b", "ключ", "a".repeat(256), "a\n", "a\x7f"])("the key %j is refused", (key) => {
  const request = { headers: { "idempotency-key": key } } as unknown as FastifyRequest;
  expect(() => readIdempotencyKey(request)).toThrow(/1 to 255 visible ASCII/);
});

test("a good key is read, and none is none", () => {
  const read = (headers: object) => readIdempotencyKey({ headers } as FastifyRequest);
  expect(read({ "idempotency-key": "0192d0e6-3c8f-7b6e-9a51-1f9f5a0e7c11" })).toBe(
    "0192d0e6-3c8f-7b6e-9a51-1f9f5a0e7c11",
  );
  expect(read({ "idempotency-key": "~".repeat(255) })).toHaveLength(255);
  expect(read({})).toBeUndefined();
});
