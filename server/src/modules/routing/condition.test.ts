/**
 * Guarantee: a condition that could not be evaluated, or might never end, is refused when it is saved, with a sentence
 * that says where; one that is accepted is evaluated exactly, and never throws.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkCondition, type Facts, holds } from "./condition.ts";

const facts: Facts = {
  amount: 500_001n,
  currency: "CNY",
  method: "wechat.native",
  channel: "wechat",
  app: "app_1",
  store: "",
  metadata: { tier: "gold" },
  hour: 9n,
  weekday: 5n,
};

describe("accepted", () => {
  it.each([
    ['amount > 500000 && method.startsWith("wechat")', true],
    ["amount <= 500000", false],
    ['channel == "alipay" || store != ""', false],
    ['metadata["tier"] == "gold"', true],
    ['"tier" in metadata && metadata.tier in ["gold", "silver"]', true],
    ["hour >= 9 && hour < 18 && weekday <= 5", true],
    ["amount % 2 == 1", true],
    ["true", true],
    ["!true", false],
  ])("%s is %s", (text, expected) => {
    expect(checkCondition(text)).toBeUndefined();
    expect(holds(text, facts)).toBe(expected);
  });

  it("amounts beyond what a double carries are compared exactly", () => {
    const amount = 9_007_199_254_740_993n;
    expect(holds("amount == 9007199254740993", { ...facts, amount })).toBe(true);
    expect(holds("amount == 9007199254740992", { ...facts, amount })).toBe(false);
  });

  it("what trips over the payment does not hold", () => {
    for (const text of ['metadata["none"] == "x"', "amount / (amount - amount) > 1", "int(store) > 1"]) {
      expect(checkCondition(text)).toBeUndefined();
      expect(holds(text, facts)).toBe(false);
    }
  });
});

describe("refused", () => {
  it.each([
    ["amonut > 5", /at character 1, "amonut > 5": Unknown variable: amonut\. A condition knows amount, currency/],
    ["amount > 5 && method > 3", /at character 15, "method > 3": no such overload: string > int/],
    ["amount >", /at its end: Unexpected token/],
    ["amount", /true or false, and this one is of the type int/],
    ["", /at its end/],
    ['method.matches("(a+)+$")', /must not use matches\(\)/],
    ['[method].exists(m, m.matches("(a+)+$"))', /must not use matches\(\)/],
    ["nothing(amount)", /at character 1/],
    [`amount > ${"1 + ".repeat(300)}1`, /condition cannot be used/],
    [`amount > 1${" ".repeat(2_000)}`, /at most 2000 characters/],
  ])("%s", (text, sentence) => {
    expect(checkCondition(text)).toMatch(sentence);
  });

  it("whatever is written, checking and evaluating never throw", () => {
    const piece = fc.constantFrom(
      "amount",
      ">",
      "5",
      "&&",
      "(",
      ")",
      '"x"',
      "method",
      ".",
      "startsWith",
      "[",
      "]",
      "!",
      "?",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join(" ");
        const problem = checkCondition(text);
        if (problem === undefined) expect(typeof holds(text, facts)).toBe("boolean");
        else expect(problem).toMatch(/^condition /);
      }),
    );
  });
});
