// Guarantee: an error says exactly what the catalogue says, and one code means one thing.
import { describe, expect, test } from "vitest";
import { defineErrors, errorCatalogue, InvariantError, invariant, TributaryError } from "./error.ts";

const errors = defineErrors({
  "kit_test.too_small": {
    type: "invalid_request_error",
    status: 400,
    message: "The amount must be at least {min}; {unknown} stays.",
    retryable: false,
    outcome: "none",
  },
  "kit_test.busy": {
    type: "rate_limit_error",
    status: 429,
    message: "Try again later.",
    retryable: true,
    outcome: "none",
  },
});

describe("a declared error", () => {
  test("carries its entry, its parameter and its cause", () => {
    const cause = new Error("below");
    const error = errors["kit_test.too_small"]({ param: "amount", values: { min: 1n }, cause });
    expect(error).toBeInstanceOf(TributaryError);
    expect(error.message).toBe("The amount must be at least 1; {unknown} stays.");
    expect(error).toMatchObject({ code: "kit_test.too_small", param: "amount", cause, retry_after_s: undefined });
    expect(error.entry).toMatchObject({ status: 400, retryable: false, outcome: "none" });
  });

  test("fills a value as it is, patterns and inherited names included", () => {
    const error = errors["kit_test.too_small"]({ values: { min: "$& $1 {min}" } });
    expect(error.message).toBe("The amount must be at least $& $1 {min}; {unknown} stays.");
    const { "kit_test.inherited": inherited } = defineErrors({
      "kit_test.inherited": {
        type: "api_error",
        status: 500,
        message: "{constructor}",
        retryable: false,
        outcome: "none",
      },
    });
    expect(inherited().message).toBe("{constructor}");
  });

  test("says when to try again", () => {
    expect(errors["kit_test.busy"]({ retry_after_s: 3 }).retry_after_s).toBe(3);
  });
});

describe("the catalogue", () => {
  test("lists what was declared, once, in order", () => {
    const codes = errorCatalogue().map((entry) => entry.code);
    expect(codes).toEqual([...new Set(codes)].sort());
    expect(codes).toEqual(expect.arrayContaining(["kit_test.busy", "kit_test.too_small"]));
  });

  test("refuses a code that is declared twice", () => {
    const definition = { type: "api_error", status: 500, message: "m", retryable: false, outcome: "none" } as const;
    expect(() => defineErrors({ "kit_test.busy": definition })).toThrow(/kit_test\.busy/);
  });
});

test("a broken invariant is an error of its own, never one of the catalogue", () => {
  expect(() => invariant(0, "zero")).toThrow(InvariantError);
  expect(() => invariant("x", "fine")).not.toThrow();
  expect(new InvariantError("x")).not.toBeInstanceOf(TributaryError);
});
