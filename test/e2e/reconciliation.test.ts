// Guarantee: by itself, the platform fetches each channel's bill at its hour, finds that it agrees with the books, and closes the
// day.
import { afterAll, beforeAll, expect, test } from "vitest";
import { localDay } from "../../server/src/kit/local-day.ts";
import { getBalances } from "../../server/src/ledger/index.ts";
import { listDays, listDifferences, loadBills } from "../../server/src/modules/reconciliation/index.ts";
import { codeOf, nextNumber, paymentBody, type TestMethod } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";

const DAY_MS = 86_400_000;
const METHODS: readonly TestMethod[] = ["wechat.native", "alipay.qr"];

let platform: Platform;
let day: string;

beforeAll(async () => {
  platform = await startPlatform();
  day = localDay(platform.clock.now(), "Asia/Shanghai");
  for (const method of METHODS) {
    const created = await platform.post("/v1/payments", paymentBody(method, {}));
    await platform.sandbox.pay(codeOf(created));
    await platform.settle();
    const body = { payment: created.id, out_refund_no: nextNumber("refund"), amount: 100 };
    await platform.post("/v1/refunds", body);
  }
  await platform.settle();
}, 60_000);

afterAll(async () => {
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

/** Goes on for a day and a half, in hours, so that workers meet every moment. */
async function goOn(): Promise<void> {
  for (let hour = 0; hour < 36; hour += 1) await platform.advance(DAY_MS / 24);
}

test("each day's bill is fetched, agrees, and the day closes", async () => {
  await goOn();
  const { db } = platform.services;
  const days = await listDays(db, { channel_account_id: null, from: day, to: day, limit: 100 });
  const used = days.filter(({ totals }) => (totals?.matched ?? 0) > 0);
  for (const one of days) {
    expect([one.day, one.state, one.problem, await listDifferences(db, one, null, 10)]).toEqual([
      day,
      "closed",
      null,
      [],
    ]);
  }
  expect(used.map(({ totals }) => totals!.matched).sort()).toEqual([2, 2]);
  for (const one of used) expect((await loadBills(db, one)).map(({ source }) => source)).toContain("fetched");
  const balances = await getBalances(db, { merchant_id: platform.merchant.merchant_id, livemode: false });
  expect(balances.filter(({ kind, balance }) => kind === "channel_receivable" && balance !== 0n)).toEqual([]);
});
