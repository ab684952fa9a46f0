// Guarantee: a process that is killed between any two steps of a payout (held, released, channel called, answer received,
// result written, batch made) loses nothing and pays nobody twice: the next one repairs it from what is on disk.
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { systemClock } from "../../server/src/kit/clock.ts";
import { parsePublicId } from "../../server/src/kit/id.ts";
import { createLogger } from "../../server/src/kit/log.ts";
import { systemRandom } from "../../server/src/kit/random.ts";
import { type Database, openDatabase } from "../../server/src/kit/sql/database.ts";
import { setBeneficiarySettings } from "../../server/src/modules/beneficiary/index.ts";
import { setSettlementSettings } from "../../server/src/modules/settlement/index.ts";
import { type CrashSite, openCrashSite } from "../platform/crash-site.ts";
import { codeOf, paymentBody } from "../platform/payments.ts";
import { alipayAccount, payoutBody } from "../platform/payouts.ts";
import type { Json } from "../platform/sandbox-control.ts";
import { readDemo, type ServerProcess } from "../platform/server-process.ts";

let site: CrashSite;
let server: ServerProcess;
let db: Database;
let person: Json;

const until = (check: () => unknown) => vi.waitFor(check, { timeout: 30_000, interval: 50 });

async function succeed(method: "GET" | "POST", path: string, body?: object): Promise<Json> {
  const answer = await site.call(method, path, body);
  if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
  return answer.body;
}

/** Makes so much available to the demo merchant, and its accounts payable at once. */
async function prepare(): Promise<void> {
  const merchant_id = parsePublicId("merchant", readDemo(site.settings).merchant_id)!;
  const key = { merchant_id, livemode: false, currency: "CNY" };
  const given = { db, clock: systemClock };
  await setBeneficiarySettings(given, { ...key, cooling_s: 0, verification: "automatic" });
  const payment = await succeed("POST", "/v1/payments", { ...paymentBody("wechat.native"), amount: 1_000_000 });
  await site.sandbox.pay(codeOf(payment));
  await until(async () => expect((await succeed("GET", `/v1/payments/${payment.id}`)).status).toBe("succeeded"));
  await setSettlementSettings(given, { ...key, cycle: "on_request" });
  await succeed("POST", "/v1/settlements", { currency: "CNY" });
  person = await succeed("POST", "/v1/beneficiaries", alipayAccount());
}

beforeAll(async () => {
  site = await openCrashSite();
  server = await site.startServer("api,worker");
  db = openDatabase({
    ...{ url: site.settings.database_url, connections_max: 2 },
    ...{ log: createLogger("silent"), random: systemRandom },
  });
  await prepare();
}, 120_000);
afterAll(async () => {
  await db?.close();
  await site.close();
});

/** Starts a payout whose call to the channel hangs, before or after its effect, until the process dies. */
async function startHanging(when: "before" | "after"): Promise<string> {
  const body = payoutBody(person, { amount: 1_000 });
  await site.sandbox.fault("alipay", "transfer", `timeout_${when}`, { delay_ms: 60_000 });
  const request = site.call("POST", "/v1/payouts", body).catch(() => undefined);
  await until(async () => expect((await site.sandbox.request("GET", "/control/faults")).data).toEqual([]));
  // The answer can only be that of the killed process.
  void request;
  return body.out_payout_no;
}

async function uploadBatch(count: number): Promise<Json> {
  const rows = Array.from({ length: count }, (_, index) => `crash-${index},1.00,${person.id}`);
  const response = await fetch(`http://127.0.0.1:${site.settings.port}/v1/payout_batches`, {
    method: "POST",
    headers: { authorization: `Bearer ${readDemo(site.settings).secret_key}`, "content-type": "text/csv" },
    body: ["单号,金额,收款人", ...rows].join("\n"),
  });
  return response.json();
}

const found = async (out_payout_no: string) =>
  (await succeed("GET", `/v1/payouts?out_payout_no=${out_payout_no}`)).data[0] as Json;
const balance = async () => (await succeed("GET", "/v1/balance")).balances[0] as Json;

test("killed while the channel is called, before and after its effect: each is paid once", async () => {
  const before = await balance();
  const numbers = [await startHanging("before"), await startHanging("after")];
  for (const number of numbers) expect(await found(number)).toMatchObject({ status: "sent", sent_at: null });
  expect(await balance()).toMatchObject({ available: before.available - 2_000, payout_in_transit: 2_000 });
  await server.kill();
  await site.letTimePass(120);
  server = await site.startServer("api,worker");
  for (const number of numbers) {
    await until(async () => expect(await found(number)).toMatchObject({ status: "succeeded" }));
  }
  expect(await balance()).toMatchObject({ available: before.available - 2_000, payout_in_transit: 0 });
  expect(await site.findFaults()).toEqual([]);
});

test("killed again and again while a batch is made and paid: each line is paid once", async () => {
  const before = await balance();
  const batch = await uploadBatch(400);
  expect(batch).toMatchObject({ status: "ready", lines: 400, transfer_amount: 40_000 });
  await succeed("POST", `/v1/payout_batches/${batch.id}/confirm`);
  for (let kills = 0; kills < 4; kills += 1) {
    const { progress } = await succeed("GET", `/v1/payout_batches/${batch.id}`);
    const done = progress.filter(({ status }: Json) => status === "succeeded").length > 0;
    if (done && kills > 2) break;
    await new Promise((resolve) => setTimeout(resolve, 150 * (kills + 1)));
    await server.kill();
    await site.letTimePass(150);
    server = await site.startServer("api,worker");
  }
  await site.letTimePass(150);
  await vi.waitFor(
    async () =>
      expect(await succeed("GET", `/v1/payout_batches/${batch.id}`)).toMatchObject({
        status: "finished",
        progress: [{ status: "succeeded", lines: 400, amount: 40_000 }],
      }),
    { timeout: 60_000, interval: 500 },
  );
  expect(await balance()).toMatchObject({ available: before.available - 40_000, payout_in_transit: 0 });
  expect(await site.findFaults()).toEqual([]);
  expect(await server.stop()).toBe(0);
}, 180_000);
