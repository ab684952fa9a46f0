// Guarantee: an operator sets how a merchant is paid out, has files for the bank and records its answers from the command
// line, each in the audit trail; a mistake is answered by a sentence.
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createOperator, type TestOperator } from "../../../../test/platform/operators.ts";
import { bankAccount, coolAtOnce, enter, fund, payoutBody } from "../../../../test/platform/payouts.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import type { Json } from "../../../../test/platform/sandbox-control.ts";
import { publicId } from "../../kit/id.ts";
import type { AdministrationServices } from "./administration.ts";
import { payoutCommand } from "./payout.ts";

const folder = mkdtempSync(join(tmpdir(), "tributary-"));
let platform: Platform;
let operator: TestOperator;

beforeAll(async () => {
  platform = await startPlatform();
  operator = await createOperator(platform, "op-1");
  await coolAtOnce(platform);
}, 60_000);
afterAll(async () => {
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
  rmSync(folder, { recursive: true });
});

/** Runs the command as the terminal would, and gives the JSON that it printed. */
async function run(args: string[], options: Record<string, unknown> = {}) {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    const merchant = publicId("merchant", platform.merchant.merchant_id);
    const services = {
      ...{ mode: "production", ...platform.services, channels: platform.services.payment.channels },
      getChannel: platform.services.payment.getChannel,
      withPlatform: (act) => act(platform.services),
    } as AdministrationServices;
    await payoutCommand((use) => use(services)).run(args, { merchant, by: operator.email, ...options });
    return JSON.parse(String(write.mock.calls[0]![0]));
  } finally {
    write.mockRestore();
  }
}

test("rules are set, each by itself, and shown", async () => {
  const set = await run(["set"], { feeFixed: "100", fee: "out-of", dayCount: "5", maximum: "500000" });
  expect(set).toMatchObject({
    ...{ currency: "CNY", livemode: false, review_above: null, automatic: null, channel_accounts: [] },
    fee: { ppm: "0", fixed: "100", floor: "0", cap: null, on_top: false, returns: false },
    limits: { minimum: "1", maximum: "500000", day_count: 5, day_amount: null, month_amount: null },
  });
  const more = await run(["set"], { maximum: "none", reviewAbove: "100000", feeReturns: "yes" });
  expect(more).toMatchObject({
    fee: { fixed: "100", returns: true },
    limits: { maximum: null },
    review_above: "100000",
  });
  expect(await run(["settings"])).toEqual([more]);
  const account = publicId("channel_account", platform.merchant.accounts.alipay);
  expect(await run(["set"], { channelAccounts: account })).toMatchObject({ channel_accounts: [account] });
  expect(await run(["set-cost"], { channelAccount: "bank", feeFixed: "50" })).toMatchObject({ fixed_amount: "50" });
});

test("a file for the bank is made, written for its reader alone, and answered", async () => {
  await fund(platform, 20_000);
  const card = await enter(platform, bankAccount());
  const payout = await platform.post("/v1/payouts", payoutBody(card, { amount: 5_000 }));
  expect(await run(["list"], { status: "pending" })).toMatchObject([{ id: payout.id, channel: "bank" }]);
  const file = await run(["bank-file"]);
  expect(file).toMatchObject({ payouts: 1, amount: 4_900 });
  expect(await run(["bank-files"])).toEqual([file]);
  const out = join(folder, "bank.csv");
  expect(await run(["write-bank-file", file.id], { out, format: "csv" })).toMatchObject({ path: out });
  expect(readFileSync(out, "utf8")).toContain("6222021234567890128");
  expect(statSync(out).mode & 0o777).toBe(0o600);
  const recorded = await run(["record", payout.transfer_no], { result: "succeeded", reference: "B-1" });
  expect(recorded).toMatchObject({ status: "succeeded", channel_transfer_no: "B-1", cost: 50 });
  expect(await run(["show", payout.id])).toEqual(recorded);
  const { data } = (await operator.call("GET", "/actions")).body;
  const operations = data.map((action: Json) => action.operation).filter((name: string) => name.startsWith("payout"));
  expect(operations).toEqual(
    expect.arrayContaining(["payout record", "payout write-bank-file", "payout bank-file", "payout set"]),
  );
});

test.each([
  [["set"], { by: undefined, minimum: "5" }, "--by"],
  [["set"], { minimum: "none" }, "--minimum"],
  [["set"], { maximum: "1.5" }, "--maximum"],
  [["set"], { fee: "sometimes" }, "--fee"],
  [["set"], { feeFloor: "10", feeCap: "5" }, "fee_cap_amount"],
  [["record", "po_00000000000000000000000000"], { result: "succeeded" }, "no such payout"],
  [["record", "po_00000000000000000000000000"], { result: "lost" }, "--result"],
  [["write-bank-file", "pbf_00000000000000000000000000"], { out: "/dev/null" }, "no such file"],
  [["bank-file"], { currency: "USD" }, "Nothing in USD"],
  [["pay"], {}, "There is no action"],
])("%j with %j is refused by a sentence", async (args, options, sentence) => {
  await expect(run(args, options)).rejects.toThrow(sentence);
});
