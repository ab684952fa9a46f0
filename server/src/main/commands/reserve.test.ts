// Guarantee: an operator says from the command line what is held back, sees it, and asks for an early release, which
// another operator decides; a mistake is answered by a sentence.
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createOperator } from "../../../../test/platform/operators.ts";
import { codeOf, paymentBody } from "../../../../test/platform/payments.ts";
import { startPlatform, type Platform as TestPlatform } from "../../../../test/platform/platform.ts";
import { publicId } from "../../kit/id.ts";
import { runSettlement, setSettlementSettings } from "../../modules/settlement/index.ts";
import type { AdministrationServices, Platform } from "./administration.ts";
import { reserveCommand } from "./reserve.ts";

let platform: TestPlatform;
let merchant: string;

beforeAll(async () => {
  platform = await startPlatform();
  merchant = publicId("merchant", platform.merchant.merchant_id);
  await createOperator(platform, "ann");
}, 60_000);
afterAll(() => platform?.close());

/** Runs the command as the terminal would, and gives the JSON that it printed. */
async function run(args: string[], options: Record<string, unknown> = {}) {
  const services = {
    ...platform.services,
    withPlatform: (act: (platform: Platform) => unknown) => act(platform.services),
  };
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    await reserveCommand((use) => use(services as unknown as AdministrationServices)).run(args, {
      merchant,
      ...options,
    });
    return JSON.parse(String(write.mock.calls[0]![0]));
  } finally {
    write.mockRestore();
  }
}

test("a reserve is set, held by a settlement, listed, and asked to be released", async () => {
  const settings = await run(["set"], { rate: "10%", days: "90", fixed: "500", refunds: true });
  expect(settings).toMatchObject({
    ...{ merchant, currency: "CNY", livemode: false, rolling_rate_ppm: "100000", rolling_days: 90 },
    ...{ fixed_amount: "500", covers_refunds: true },
  });
  expect(await run(["show"])).toEqual([settings]);
  await setSettlementSettings(platform.services, {
    ...{ merchant_id: platform.merchant.merchant_id, livemode: false, currency: "CNY", cycle: "on_request" },
  });
  await platform.sandbox.pay(codeOf(await platform.post("/v1/payments", paymentBody())));
  await platform.settle();
  await platform.advance(1);
  const key = { merchant_id: platform.merchant.merchant_id, livemode: false, currency: "CNY" };
  await runSettlement(platform.services.settlement, key);
  const parts = await run(["list"]);
  expect(parts.map(({ kind }: { kind: string }) => kind).sort()).toEqual(["fixed", "rolling"]);
  const [{ id }] = parts;
  const asked = await run(["release", id], { reason: "a good year", by: "ann@operators.example", amount: "1" });
  expect(asked).toMatchObject({ kind: "reserve_release", status: "pending", amount: 1 });
  expect(await run(["set"], { refunds: false })).toMatchObject({ rolling_days: 0, covers_refunds: false });
});

test.each([
  [["set"], { rate: "10%" }, "Give a rate with its days"],
  [["set"], { rate: "ten" }, "--rate"],
  [["set"], { days: "x" }, "--days"],
  [["release", "rsv_00000000000000000000000000"], { reason: "x", by: "ann@operators.example" }, "no such reserve"],
  [["release"], { reason: "x" }, "rsv_"],
  [["hold"], {}, "There is no action"],
])("%j with %j is refused by a sentence", async (args, options, sentence) => {
  await expect(run(args, options)).rejects.toThrow(sentence);
});
