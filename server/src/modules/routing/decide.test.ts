/**
 * Guarantee: the first rule that holds and finds an account among those that can take the payment decides, else the
 * merchant's order; each strategy picks what it says, a split gives each account exactly its share of all chances, and the
 * same payment always gets the same account.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { publicId } from "../../kit/id.ts";
import type { RoutedAccount } from "../channel-account/index.ts";
import { type DecisionInput, decide, drawBelow, pickWeighted, ratePpm } from "./decide.ts";
import type { Refusal } from "./eligibility.ts";
import type { RoutingRule, Target } from "./rule.ts";

const uuid = (number: number) => `00000000-0000-7000-8000-${String(number).padStart(12, "0")}`;
const [A, B, C] = [uuid(1), uuid(2), uuid(3)];
const APP = uuid(100);

function account(id: string): RoutedAccount {
  const owner = { merchant_id: uuid(9), livemode: false, status: "enabled" } as const;
  return { ...owner, id, channel: "wechat", funding_mode: "pooled", methods: ["wechat.native"] };
}

let rules = 0;
function rule(target: Target, more: Partial<RoutingRule> = {}): RoutingRule {
  rules += 1;
  const owner = { merchant_id: uuid(9), livemode: false, app_id: null, priority: 100, created_at: 0 };
  const said = { name: "rule", condition: "true", target, sticky: false, time_zone: "Asia/Shanghai" };
  return { ...owner, id: uuid(1_000 + rules), ...said, ...more };
}

function input(more: Partial<DecisionInput> & { refused?: Record<string, Refusal> } = {}): DecisionInput {
  const { refused = {}, ...rest } = more;
  return {
    rules: [],
    candidates: [A, B, C].map((id) => ({ account: account(id), refusal: refused[id] })),
    app_id: APP,
    facts: {
      ...{ amount: 1_000n, currency: "CNY", method: "wechat.native", channel: "wechat" },
      ...{ app: publicId("app", APP), store: "", metadata: {} },
    },
    at: Date.UTC(2026, 10, 20, 4),
    seed: uuid(500),
    last_account: undefined,
    costOf: () => undefined,
    outcomesOf: () => ({ succeeded: 0, failed: 0 }),
    ...rest,
  };
}

const pick = (given: DecisionInput) => decide(given).account?.id;
const fixed = (id: string): Target => ({ kind: "account", account: id });

describe("rules", () => {
  it("without one the merchant's order decides, over those that can take it", () => {
    expect(decide(input()).decision).toMatchObject({
      strategy: "order",
      rule: null,
      account: publicId("channel_account", A),
    });
    expect(pick(input({ refused: { [A]: "amount_max" } }))).toBe(B);
  });

  it("are tried in order; one that does not hold, is another app's or finds no account is passed over", () => {
    const given = [
      rule(fixed(A), { condition: "amount > 1000" }),
      rule(fixed(A), { app_id: uuid(101) }),
      rule(fixed(B)),
      rule(fixed(C), { app_id: APP, condition: 'method == "wechat.native" && hour == 12 && weekday == 5' }),
      rule(fixed(A)),
    ];
    const decided = decide(input({ rules: given, refused: { [B]: "hours" } }));
    expect(decided.account?.id).toBe(C);
    expect(decided.decision).toEqual({
      account: publicId("channel_account", C),
      strategy: "account",
      rule: publicId("routing_rule", given[3]!.id),
      candidates: [
        { account: publicId("channel_account", A), refusal: null },
        { account: publicId("channel_account", B), refusal: "hours" },
        { account: publicId("channel_account", C), refusal: null },
      ],
    });
  });

  it("hours are those of the rule's place", () => {
    const rules = [rule(fixed(C), { condition: "hour == 4", time_zone: "UTC" })];
    expect(pick(input({ rules }))).toBe(C);
  });
});

it("bad health is taken where nobody else can, and no other refusal ever", () => {
  expect(pick(input({ refused: { [A]: "health" } }))).toBe(B);
  expect(pick(input({ refused: { [A]: "tried", [B]: "health", [C]: "hours" } }))).toBe(B);
  const none = decide(input({ refused: { [A]: "tried", [B]: "currency", [C]: "hours" }, rules: [rule(fixed(A))] }));
  expect(none).toMatchObject({ account: undefined, decision: { account: null, rule: null } });
});

describe("a split", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 });

  it("gives each account exactly as many of all points as it weighs", () => {
    fc.assert(
      fc.property(weights, (given) => {
        const weighted = given.map((weight, name) => ({ account: name, weight }));
        const total = given.reduce((sum, weight) => sum + weight, 0);
        const points = Array.from({ length: total }, (_, point) => pickWeighted(weighted, point));
        expect(given.map((_, name) => points.filter((one) => one === name).length)).toEqual(given);
      }),
    );
  });

  it("keeps its proportions among those that are left", () => {
    const target: Target = {
      kind: "weighted",
      accounts: [A, B, C].map((id, index) => ({ account: id, weight: index + 1 })),
    };
    const rules = [rule(target)];
    const counts = new Map<string | undefined, number>();
    for (let index = 0; index < 3_000; index += 1) {
      const chosen = pick(input({ rules, seed: uuid(10_000 + index), refused: { [A]: "disabled" } }));
      counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([B, C]);
    // Five standard deviations of 3,000 draws of two fifths.
    expect(Math.abs(counts.get(B)! - 1_200)).toBeLessThan(135);
  });

  it("draws evenly, and always the same for the same payment", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50_000_000 }), fc.uuid(), fc.string(), (bound, seed, purpose) => {
        const drawn = drawBelow(bound, seed, purpose);
        expect(drawn).toBe(drawBelow(bound, seed, purpose));
        expect(drawn >= 0 && drawn < bound && Number.isInteger(drawn)).toBe(true);
      }),
    );
  });
});

describe("the cheapest", () => {
  const costs = new Map([
    [A, 38n],
    [B, 30n],
    [C, 30n],
  ]);
  const costOf = ({ id }: RoutedAccount) => costs.get(id);

  it("is the first of the least cost; whose cost is not known comes last", () => {
    const rules = [rule({ kind: "cheapest" })];
    const { account: chosen, decision } = decide(input({ rules, costOf }));
    expect(chosen?.id).toBe(B);
    expect(decision.candidates.map(({ cost }) => cost)).toEqual([38, 30, 30]);
    expect(pick(input({ rules, costOf: ({ id }) => (id === C ? 99n : undefined) }))).toBe(C);
    expect(pick(input({ rules }))).toBe(A);
  });

  it("is looked for among the named ones only", () => {
    expect(pick(input({ rules: [rule({ kind: "cheapest", accounts: [A] })], costOf }))).toBe(A);
  });
});

describe("the best success rate", () => {
  const outcomes = new Map([
    [A, { succeeded: 1, failed: 0 }],
    [B, { succeeded: 98, failed: 2 }],
    [C, { succeeded: 0, failed: 9 }],
  ]);
  const outcomesOf = ({ id }: RoutedAccount) => outcomes.get(id)!;
  const target = (exploration_ppm: number): Target => ({ kind: "best_success_rate", window_s: 3_600, exploration_ppm });

  it("weighs many attempts more than one", () => {
    const { account: chosen, decision } = decide(input({ rules: [rule(target(0))], outcomesOf }));
    expect(chosen?.id).toBe(B);
    expect(decision.candidates).toMatchObject([
      { succeeded: 1, failed: 0 },
      { succeeded: 98, failed: 2 },
      { failed: 9 },
    ]);
    expect(ratePpm({ succeeded: 0, failed: 0 })).toBe(500_000);
  });

  it("explores the others as often as it is told, never the best", () => {
    const rules = [rule(target(100_000))];
    const explored = Array.from({ length: 2_000 }, (_, index) =>
      decide(input({ rules, outcomesOf, seed: uuid(index) })),
    )
      .filter(({ decision }) => decision.explored)
      .map(({ account: chosen }) => chosen?.id);
    expect(new Set(explored)).toEqual(new Set([A, C]));
    // Five standard deviations of 2,000 draws of a tenth.
    expect(Math.abs(explored.length - 200)).toBeLessThan(68);
    expect(
      decide(input({ rules: [rule(target(1_000_000))], outcomesOf, refused: { [A]: "tried", [C]: "tried" } })),
    ).toMatchObject({
      account: { id: B },
    });
  });
});

describe("a payer who sticks", () => {
  it("never moves while the account can take the payment, however the rule would choose", () => {
    const targets = fc.constantFrom<Target>(
      { kind: "cheapest" },
      { kind: "best_success_rate", window_s: 60, exploration_ppm: 500_000 },
      { kind: "weighted", accounts: [A, B, C].map((id) => ({ account: id, weight: 1 })) },
    );
    const refusals = fc.dictionary(fc.constantFrom(A, B, C), fc.constantFrom<Refusal>("hours", "tried"));
    fc.assert(
      fc.property(targets, fc.constantFrom(A, B, C), refusals, fc.uuid(), (target, last_account, refused, seed) => {
        const decided = decide(input({ rules: [rule(target, { sticky: true })], last_account, refused, seed }));
        if (!refused[last_account]) expect(decided.account?.id).toBe(last_account);
        else expect(decided.account && refused[decided.account.id]).toBeUndefined();
      }),
    );
  });

  const split = (sticky: boolean) =>
    rule(
      {
        kind: "weighted",
        accounts: [
          { account: A, weight: 1 },
          { account: B, weight: 1 },
        ],
      },
      { sticky },
    );

  it("stays with the account that took the money last, while the rule may lead there and it can", () => {
    for (const last_account of [A, B]) {
      const decided = decide(input({ rules: [split(true)], last_account }));
      expect(decided).toMatchObject({ account: { id: last_account }, decision: { strategy: "sticky" } });
    }
    expect(decide(input({ rules: [split(true)], last_account: C })).decision.strategy).toBe("weighted");
    expect(decide(input({ rules: [split(true)], last_account: A, refused: { [A]: "hours" } }))).toMatchObject({
      account: { id: B },
      decision: { strategy: "weighted" },
    });
    expect(decide(input({ rules: [split(false)], last_account: B })).decision.strategy).toBe("weighted");
  });
});
