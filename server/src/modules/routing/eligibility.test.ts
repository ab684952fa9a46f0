/**
 * Guarantee: an account takes a payment only within everything that is set for it, to the minor unit and the minute, and a
 * refusal names the first thing in the way.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { channels } from "../../channels/registry.ts";
import type { RoutedAccount } from "../channel-account/index.ts";
import { type AccountFacts, findCandidates, type Wanted } from "./eligibility.ts";
import { localTime, minuteOf } from "./local-time.ts";
import { checkLimit, type RoutingLimit } from "./rule.ts";

const A = "00000000-0000-7000-8000-000000000001";
const open: RoutedAccount = {
  ...{ merchant_id: A, livemode: false, id: A, channel: "wechat", funding_mode: "pooled", status: "enabled" },
  methods: ["wechat.native"],
};
const free: RoutingLimit = {
  ...{ merchant_id: A, channel_account_id: A, currency: "CNY", time_zone: "Asia/Shanghai" },
  ...{ amount_min: null, amount_max: null, day_amount_max: null, opens_at: null, closes_at: null },
};
// Noon in Shanghai.
const NOON = Date.UTC(2026, 10, 20, 4);
const wanted: Wanted = { method: "wechat.native", amount: 1_000n, currency: "CNY", at: NOON, tried: [] };

function refusal(
  account: Partial<RoutedAccount>,
  limit: Partial<RoutingLimit> = {},
  more: Partial<Wanted> = {},
  used = 0n,
  healthy = true,
  stopped = false,
) {
  const facts: AccountFacts = {
    getChannel: (id) => channels[id],
    limitOf: () => ({ ...free, ...limit }),
    usedOn: (_id, day) => (day === "2026-11-20" ? used : 0n),
    isHealthy: () => healthy,
    is_direct_stopped: stopped,
  };
  return findCandidates([{ ...open, ...account }], { ...wanted, ...more }, facts)[0]?.refusal;
}

describe("what is in the way", () => {
  it("is nothing for an account without limits", () => {
    expect(refusal({})).toBeUndefined();
  });

  it.each([
    ["tried", refusal({ status: "disabled" }, {}, { tried: [A] })],
    ["disabled", refusal({ status: "disabled", methods: [] })],
    ["method", refusal({ methods: ["wechat.jsapi"] })],
    ["currency", refusal({}, {}, { currency: "JPY" })],
    ["service_fee", refusal({ funding_mode: "direct" }, { amount_min: 1_001n }, {}, 0n, true, true)],
    ["amount_min", refusal({}, { amount_min: 1_001n }, {}, 0n, true, true)],
    ["amount_min", refusal({}, { amount_min: 1_001n })],
    ["amount_max", refusal({}, { amount_max: 999n })],
    ["hours", refusal({}, { opens_at: "12:01", closes_at: "18:00" })],
    ["day_limit", refusal({}, { day_amount_max: 5_000n }, {}, 4_001n)],
    ["health", refusal({}, {}, {}, 0n, false)],
  ])("is %s", (expected, found) => {
    expect(found).toBe(expected);
  });

  it("is nothing on the limit itself", () => {
    const limit = {
      amount_min: 1_000n,
      amount_max: 1_000n,
      day_amount_max: 5_000n,
      opens_at: "12:00",
      closes_at: "12:01",
    };
    expect(refusal({}, limit, {}, 4_000n)).toBeUndefined();
  });

  it("leaves other channels' accounts out", () => {
    expect(refusal({ channel: "alipay" })).toBeUndefined();
    expect(findCandidates([{ ...open, channel: "alipay" }], wanted, {} as AccountFacts)).toEqual([]);
  });
});

describe("hours", () => {
  const time = fc.integer({ min: 0, max: 1_439 });
  const shown = (minute: number) =>
    `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

  it("and the hours between closing and opening share the day, over midnight too", () => {
    fc.assert(
      fc.property(time, time, time, (from, to, minute) => {
        fc.pre(from !== to);
        const at = Date.UTC(2026, 10, 20, 0, minute - 480);
        const day = refusal({}, { opens_at: shown(from), closes_at: shown(to) }, { at });
        const night = refusal({}, { opens_at: shown(to), closes_at: shown(from) }, { at });
        expect([day, night].filter((one) => one === "hours")).toHaveLength(1);
      }),
    );
  });

  it("are read by the clock on the wall, summer time too", () => {
    const summer = Date.UTC(2026, 6, 1, 22, 30);
    expect(localTime(summer, "Europe/Berlin")).toEqual({ day: "2026-07-02", minute: 30, hour: 0, weekday: 4 });
    expect(localTime(Date.UTC(2026, 0, 1, 23, 30), "Europe/Berlin")).toEqual({
      day: "2026-01-02",
      minute: 30,
      hour: 0,
      weekday: 5,
    });
    expect(localTime(Date.UTC(2026, 10, 22, 15, 59), "Asia/Shanghai").weekday).toBe(7);
    expect([minuteOf("24:00"), minuteOf("8:30"), minuteOf("08:30")]).toEqual([undefined, undefined, 510]);
  });
});

it.each([
  [{ currency: "XXX1" }, /ISO 4217/],
  [{ amount_min: -1n }, /negative/],
  [{ amount_min: 2n, amount_max: 1n }, /below the smallest/],
  [{ opens_at: "08:00" }, /both hours/],
  [{ opens_at: "8", closes_at: "9" }, /times of day/],
  [{ opens_at: "08:00", closes_at: "08:00" }, /the same/],
  [{ time_zone: "Mars/Base" }, /IANA/],
])("a limit like %o is refused with a sentence", (wrong, sentence) => {
  expect(() => checkLimit({ ...free, ...wrong })).toThrow(sentence);
});
