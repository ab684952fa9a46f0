/**
 * Guarantee: what is available leaves once, to a verified account, within its limits, and only as far as the books cover it;
 * what a channel does not know stays held until it says; what was not paid or came back is the merchant's again, to the fen.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createKey } from "../../../../test/platform/merchants.ts";
import { nextNumber } from "../../../../test/platform/payments.ts";
import {
  alipayAccount,
  balanceOf,
  bankAccount,
  coolAtOnce,
  enter,
  fund,
  payoutBody,
  wechatAccount,
} from "../../../../test/platform/payouts.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import type { Json } from "../../../../test/platform/sandbox-control.ts";
import { parsePublicId } from "../../kit/id.ts";
import { getBalances } from "../../ledger/index.ts";
import { NO_CONTROLS } from "../account-operation/control.ts";
import { saveControls } from "../account-operation/control-store.ts";
import { disableBeneficiary } from "../beneficiary/index.ts";
import { type PayoutRules, setPayoutSettings, setTransferCost } from "./index.ts";
import { DEFAULT_RULES } from "./settings.ts";

const PATH = "/v1/payouts";
const DAY_MS = 86_400_000;
let platform: Platform;
let alipay: Json;
let wechat: Json;

const set = (rules: Partial<PayoutRules>) => {
  const { merchant_id } = platform.merchant;
  const key = { merchant_id, livemode: false, currency: "CNY" };
  return setPayoutSettings(platform.services, key, { ...DEFAULT_RULES, ...rules });
};
const balance = () => balanceOf(platform);
const ask = (beneficiary: Json, more: object = {}) => platform.post(PATH, payoutBody(beneficiary, more));
const freeze = (debit_frozen: boolean) =>
  platform.services.db.transaction((tx) => {
    const key = { merchant_id: platform.merchant.merchant_id, livemode: false, currency: "CNY" };
    return saveControls(tx, key, { ...NO_CONTROLS, debit_frozen }, platform.clock.now());
  });
const read = ({ id }: Json) => platform.get(`${PATH}/${id}`);
const refused = async (body: object) => (await platform.call("POST", PATH, body)).body.error?.code;
const events = async (payout: Json) => {
  const { data } = await platform.get("/v1/events?limit=100");
  const about = data.filter((event: Json) => event.data.object.id === payout.id);
  return about.map(({ type }: Json) => type.replace("payout.", "")).sort();
};
const goTo = (at: number) => platform.advance(at - platform.clock.now());

beforeAll(async () => {
  platform = await startPlatform({ direct: true });
  await coolAtOnce(platform);
  [alipay, wechat] = [await enter(platform, alipayAccount()), await enter(platform, await wechatAccount(platform))];
}, 60_000);
beforeEach(async () => {
  await set({});
  await fund(platform, 100_000);
});
afterEach(async () => {
  await platform.sandbox.clearFaults();
  await platform.settle();
  expect(await platform.findFaults()).toEqual([]);
});
afterAll(() => platform?.close());

describe("through Alipay", () => {
  test("it is paid at once, and told", async () => {
    const before = await balance();
    const payout = await ask(alipay, { title: "十一月货款", metadata: { order: "7" } });
    expect(payout).toMatchObject({
      ...{ object: "payout", livemode: false, status: "succeeded", amount: 1_234, transfer_amount: 1_234, fee: 0 },
      ...{ beneficiary: alipay.id, beneficiary_version: 1, title: "十一月货款", metadata: { order: "7" } },
      ...{ channel: "alipay", automatic: false, settlement: null, batch: null, action: null, failure: null },
      channel_transfer_no: expect.stringMatching(/^\d{28,}$/),
    });
    expect(await balance()).toMatchObject({ available: before.available - 1_234, payout_in_transit: 0 });
    expect(await events(payout)).toEqual(["created", "succeeded"]);
    expect(await read(payout)).toEqual(payout);
    expect((await platform.get(`${PATH}?out_payout_no=${payout.out_payout_no}`)).data).toEqual([payout]);
  });

  test("the channel's account owes us that much less, the fee is earned and the cost is booked", async () => {
    await set({ fee_fixed_amount: 100n, fee_rate_ppm: 1_000n, fee_cap_amount: 150n });
    const { merchant_id, accounts } = platform.merchant;
    const account = { channel_account_id: accounts.alipay, livemode: false, currency: "CNY" };
    await setTransferCost(platform.services, account, { rate_ppm: 1_000n, floor_amount: 10n });
    const book = { merchant_id, livemode: false };
    const of = async () => {
      const held = await getBalances(platform.services.db, book);
      const one = (kind: string, scope?: string) =>
        held.find((b) => b.kind === kind && (scope === undefined || b.scope === scope))?.balance ?? 0n;
      return [one("fee_income"), one("channel_cost"), one("channel_receivable", accounts.alipay)] as const;
    };
    const [fee, cost, receivable] = await of();
    const before = await balance();
    const payout = await ask(alipay, { amount: 20_000 });
    expect(payout).toMatchObject({ status: "succeeded", amount: 20_000, transfer_amount: 20_000, fee: 120 });
    expect(await of()).toEqual([fee + 120n, cost + 20n, receivable - 20_020n]);
    expect((await balance()).available).toBe(before.available - 20_120);
  });

  test("the fee may come out of the amount", async () => {
    await set({ fee_fixed_amount: 200n, fee_on_top: false });
    const before = await balance();
    expect(await ask(alipay, { amount: 1_000 })).toMatchObject({ transfer_amount: 800, fee: 200, amount: 1_000 });
    expect((await balance()).available).toBe(before.available - 1_000);
    expect(await refused(payoutBody(alipay, { amount: 200 }))).toBe("payout.fee_above_amount");
  });

  test("a refusal gives all of it back, with its fee", async () => {
    await set({ fee_fixed_amount: 100n });
    const nobody = await enter(platform, alipayAccount("2088000000000000"));
    const before = await balance();
    const payout = await ask(nobody);
    expect(payout).toMatchObject({ status: "failed", fee: 100, failure: { code: "PAYEE_NOT_EXIST" } });
    expect(await balance()).toEqual(before);
    expect(await events(payout)).toEqual(["created", "failed"]);
  });

  test("what comes back days later is the merchant's again; the fee too where the settings say so", async () => {
    const before = await balance();
    await set({ fee_fixed_amount: 100n, fee_returns: true });
    const first = await ask(alipay);
    await set({ fee_fixed_amount: 100n, fee_returns: false });
    const second = await ask(alipay);
    for (const { transfer_no: transfer } of [first, second]) {
      await platform.sandbox.request("POST", "/control/transfers", { transfer, outcome: "return" });
    }
    await platform.advance(DAY_MS);
    for (const payout of [first, second]) {
      const returned = await read(payout);
      expect(returned).toMatchObject({ status: "returned", failure: { code: "PAYEE_ACCOUNT_STATUS_ERROR" } });
      expect(await events(payout)).toEqual(["created", "returned", "succeeded"]);
    }
    expect((await balance()).available).toBe(before.available - 100);
  });
});

describe("what the channel does not say", () => {
  test.each(["timeout_before", "timeout_after", "http_500", "bad_signature", "cut"])(
    "%s: the money stays held until it is asked, and is paid once",
    async (fault) => {
      await platform.sandbox.fault("alipay", "transfer", fault);
      const before = await balance();
      const payout = await ask(alipay);
      expect(payout).toMatchObject({ status: "unknown" });
      expect(await balance()).toMatchObject({
        ...{ available: before.available - 1_234, payout_in_transit: 1_234 },
      });
      await platform.advance(10_000);
      expect(await read(payout)).toMatchObject({ status: "succeeded" });
      expect(await balance()).toMatchObject({ available: before.available - 1_234, payout_in_transit: 0 });
    },
  );

  test("a channel that fails for hours is asked for hours, and then answers", async () => {
    await platform.sandbox.fault("alipay", "transfer", "timeout_after");
    const payout = await ask(alipay);
    await platform.sandbox.fault("alipay", "transfer_query", "http_500", { times: 1_000 });
    for (let round = 0; round < 6; round += 1) await platform.advance(5 * 3_600_000);
    expect(await read(payout)).toMatchObject({ status: "unknown" });
    expect((await balance()).payout_in_transit).toBe(1_234);
    await platform.sandbox.clearFaults();
    await platform.advance(3_600_000);
    expect(await read(payout)).toMatchObject({ status: "succeeded" });
  });

  test("a transfer that the channel works on, and then fails, gives all back", async () => {
    await platform.sandbox.fault("alipay", "transfer", "payout_failed");
    const before = await balance();
    const payout = await ask(alipay);
    expect(payout).toMatchObject({ status: "sent", sent_at: expect.any(String) });
    await platform.advance(2 * 3_600_000);
    expect(await read(payout)).toMatchObject({ status: "failed", failure: { code: "PAYEE_ACCOUNT_STATUS_ERROR" } });
    expect(await balance()).toEqual(before);
    expect(await events(payout)).toEqual(["created", "failed", "sent"]);
  });
});

describe("through WeChat Pay", () => {
  const confirm = (payout: Json, outcome = "confirm") =>
    platform.sandbox.request("POST", "/control/transfers", { transfer: payout.transfer_no, outcome });

  test("its person confirms, by the action; a notice has it asked at once", async () => {
    const payout = await ask(wechat);
    expect(payout).toMatchObject({ status: "sent", channel: "wechat", action: { type: "jsapi" } });
    expect(payout.action.parameters).toMatchObject({ package: expect.any(String), mchId: expect.any(String) });
    expect((await balance()).payout_in_transit).toBe(1_234);
    await confirm(payout);
    await platform.settle();
    expect(await read(payout)).toMatchObject({ status: "succeeded", action: null });
    const told = await platform.get("/v1/events?type=payout.sent");
    expect(told.data[0].data.object).toMatchObject({ id: payout.id, action: payout.action });
  });

  test("nobody confirms within a day: it fails, and the money is back", async () => {
    const before = await balance();
    const payout = await ask(wechat);
    await platform.advance(DAY_MS + 3_600_000);
    expect(await read(payout)).toMatchObject({ status: "failed", failure: { code: "OVERDUE_CLOSE" } });
    expect(await balance()).toEqual(before);
  });

  test("an openid of another app, and a currency that it has not, are nobody's to pay", async () => {
    const other = await enter(platform, { type: "wechat", wechat: { openid: "o-of-another-app", appid: "wx-other" } });
    expect(await refused(payoutBody(other))).toBe("payout.no_channel");
    expect(await refused(payoutBody(alipay, { currency: "USD" }))).toBe("payout.no_channel");
  });
});

describe("a request", () => {
  test("repeated is the same payout; with other content a conflict; from many at once one payout", async () => {
    const body = payoutBody(alipay);
    const before = await balance();
    const answers = await Promise.all(Array.from({ length: 12 }, () => platform.call("POST", PATH, body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(11).fill(200), 201]);
    expect(new Set(answers.map(({ body: payout }) => payout.id)).size).toBe(1);
    expect((await balance()).available).toBe(before.available - 1_234);
    expect(await refused({ ...body, amount: 1_235 })).toBe("payout.out_payout_no_conflict");
    const headers = { "idempotency-key": nextNumber("key") };
    const keyed = payoutBody(alipay);
    const [first, second] = [
      await platform.call("POST", PATH, keyed, { headers }),
      await platform.call("POST", PATH, keyed, { headers }),
    ];
    expect([second.body.id, second.headers["idempotent-replayed"]]).toEqual([first.body.id, "true"]);
    const other = await platform.call("POST", PATH, payoutBody(alipay), { headers });
    expect(other.body.error.code).toBe("idempotency.key_reused");
  });

  test("beyond what is available is refused, however many come at once", async () => {
    const { available } = await balance();
    const part = Math.floor(available / 3);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => platform.call("POST", PATH, payoutBody(alipay, { amount: part }))),
    );
    const codes = answers.map(({ body }) => body.error?.code ?? body.status).sort();
    expect(codes).toEqual([...Array(5).fill("payout.insufficient_balance"), ...Array(3).fill("succeeded")]);
    expect((await balance()).available).toBe(available - 3 * part);
  });

  test("is its merchant's, in its mode", async () => {
    const payout = await ask(alipay);
    const live = await createKey(platform.services, { ...platform.merchant, livemode: true });
    for (const key of [platform.direct.key, live]) {
      for (const [method, path] of [
        ["GET", ""],
        ["POST", "/cancel"],
      ] as const) {
        const answer = await platform.call(method, `${PATH}/${payout.id}${path}`, undefined, { key });
        expect(answer.body.error.code).toBe("payout.not_found");
      }
      const answer = await platform.call("POST", PATH, payoutBody(alipay), { key });
      expect(answer.body.error.code).toBe("beneficiary.not_found");
    }
  });
});

describe("a beneficiary", () => {
  test("that is not verified is refused, one that cools is paid when it is cool", async () => {
    const made = await platform.post("/v1/beneficiaries", alipayAccount("2088000000000011"));
    expect(await refused(payoutBody(made))).toBe("payout.beneficiary_not_payable");
    await coolAtOnce(platform, { cooling_s: 86_400 });
    const cooling = await enter(platform, alipayAccount("2088000000000012"));
    await coolAtOnce(platform);
    const payout = await ask(cooling);
    expect(payout).toMatchObject({ status: "created", waits_for: "cooling" });
    expect((await balance()).payout_in_transit).toBe(1_234);
    await platform.advance(DAY_MS - 1_000);
    expect(await read(payout)).toMatchObject({ status: "created" });
    await platform.advance(1_000);
    expect(await read(payout)).toMatchObject({ status: "succeeded", waits_for: null });
  });

  test.each(["disabled", "changed"])("that was %s while its payout waited is not paid: all comes back", async (how) => {
    await coolAtOnce(platform, { cooling_s: 3_600 });
    const cooling = await enter(platform, alipayAccount(how === "disabled" ? "2088000000000013" : "2088000000000014"));
    await coolAtOnce(platform);
    const before = await balance();
    const payout = await ask(cooling);
    if (how === "changed") {
      await platform.post(`/v1/beneficiaries/${cooling.id}/versions`, alipayAccount("2088000000000015"));
    } else {
      const { merchant_id } = platform.merchant;
      const id = parsePublicId("beneficiary", cooling.id)!;
      await disableBeneficiary(platform.services, { merchant_id, id, livemode: false, actor: "test" });
    }
    await platform.advance(3_600_000);
    expect(await read(payout)).toMatchObject({ status: "failed", failure: { code: `beneficiary_${how}` } });
    expect(await balance()).toEqual(before);
  });
});

describe("limits", () => {
  test("of one payout, a day's count, a day's and a month's amount hold, by the merchant's calendar", async () => {
    await platform.advance(DAY_MS);
    await set({ single_minimum: 100n, single_maximum: 5_000n });
    expect(await refused(payoutBody(alipay, { amount: 99 }))).toBe("payout.amount_out_of_range");
    expect(await refused(payoutBody(alipay, { amount: 5_001 }))).toBe("payout.amount_out_of_range");
    await set({ day_count_maximum: 2 });
    await ask(alipay);
    await ask(alipay);
    expect(await refused(payoutBody(alipay))).toBe("payout.limit_reached");
    await platform.advance(DAY_MS);
    await set({ day_amount_maximum: 3_000n });
    await ask(alipay, { amount: 3_000 });
    expect(await refused(payoutBody(alipay, { amount: 1 }))).toBe("payout.limit_reached");
    // 00:30 of the first of December in Shanghai, and still November in London: what November paid does not count.
    await goTo(Date.UTC(2026, 10, 30, 16, 30));
    await set({ month_amount_maximum: 2_000n });
    await ask(alipay, { amount: 1_500 });
    expect(await refused(payoutBody(alipay, { amount: 501 }))).toBe("payout.limit_reached");
    await platform.advance(DAY_MS);
    await ask(alipay, { amount: 500 });
  });

  test("hold under many requests at once", async () => {
    await platform.advance(DAY_MS);
    await set({ day_amount_maximum: 5_000n });
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => platform.call("POST", PATH, payoutBody(alipay, { amount: 1_000 }))),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
  });
});

describe("taken back", () => {
  test("before anybody was told: all of it is available again, and a repetition changes nothing", async () => {
    const bank = await enter(platform, bankAccount());
    const before = await balance();
    const payout = await ask(bank);
    expect(payout).toMatchObject({ status: "pending", channel: "bank" });
    const cancelled = (await platform.call("POST", `${PATH}/${payout.id}/cancel`)).body;
    expect((await platform.call("POST", `${PATH}/${payout.id}/cancel`)).body).toEqual(cancelled);
    expect(cancelled).toMatchObject({ status: "cancelled", finished_at: expect.any(String) });
    expect(await balance()).toEqual(before);
    expect(await events(payout)).toEqual(["cancelled", "created"]);
  });

  test("after somebody was told it is refused", async () => {
    const payout = await ask(wechat);
    const answer = await platform.call("POST", `${PATH}/${payout.id}/cancel`);
    expect(answer.body.error.code).toBe("payout.not_cancellable");
    expect(await read(payout)).toMatchObject({ status: "sent" });
    await platform.advance(DAY_MS + 3_600_000);
  });
});

describe("a book that may pay nothing out", () => {
  test("is refused; what waits already is held until it may", async () => {
    await coolAtOnce(platform, { cooling_s: 3_600 });
    const cooling = await enter(platform, alipayAccount("2088000000000021"));
    await coolAtOnce(platform);
    const payout = await ask(cooling);
    await freeze(true);
    expect(await refused(payoutBody(alipay))).toBe("account.debit_frozen");
    await platform.advance(3_600_000);
    expect(await read(payout)).toMatchObject({ status: "created", waits_for: "refused" });
    await freeze(false);
    await platform.advance(600_000);
    expect(await read(payout)).toMatchObject({ status: "succeeded" });
  });
});
