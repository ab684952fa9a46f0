/**
 * Guarantee: a bill of WeChat Pay is the file whose hash it signed for, or it is said why it is not there; trouble, a strange
 * origin and a page are never taken for a day without trades. For a direct merchant and for a service provider.
 */
import { Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSandbox } from "../../../../sandbox/main.ts";
import { createManualClock } from "../../kit/clock.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import type { BillFetch } from "../bills.ts";
import { type ChannelCaller, createChannelCaller } from "../call.ts";
import { changeAccount, createControlPlane, makePayInput, type Provisioned } from "../conformance/harness.ts";
import { codeOf, expectPending } from "../conformance/subject.ts";
import type { BillInput, BillKind, BillOutcome, ChannelAccount, Operation } from "../contract.ts";
import { wechat } from "./index.ts";
import { provisionWechat } from "./testing/provision.ts";

const date = "2026-11-20";
/** Noon of that day in Beijing; both sides follow this clock. */
const noon = Date.UTC(2026, 10, 20, 4);
const hour_ms = 3_600_000;

describe.each(["direct", "partner"] as const)("bills, %s", (mode) => {
  const clock = createManualClock(noon);
  let sandbox: Awaited<ReturnType<typeof startSandbox>>;
  let caller: ChannelCaller;
  let made: Provisioned;
  beforeAll(async () => {
    sandbox = await startSandbox({ port: 0, now: () => clock.now() });
    caller = createChannelCaller({ clock, random: systemRandom, log: createLogger("silent") });
    made = await provisionWechat(createControlPlane(sandbox.url), "platform_certificate", { mode });
    // The certificates are made at the sandbox's time, which this clock stands at.
    expect(wechat.checkAccount(made.account, clock)).toEqual([]);
  });
  afterAll(async () => {
    await caller.end();
    await sandbox.close();
  });

  async function fetchBill(kind: BillKind, account = made.account): Promise<{ outcome: BillFetch; text: string }> {
    const chunks: Buffer[] = [];
    const open = () => new Writable({ write: (chunk, _encoding, done) => done(void chunks.push(chunk)) });
    const outcome = await caller.downloadBill(wechat, account, { kind, date }, { open });
    return { outcome, text: Buffer.concat(chunks).toString("utf8") };
  }
  const post = (path: string, body: object) => createControlPlane(sandbox.url).post(path, body);
  const fault = (name: string) => post("faults", { channel: "wechat", operation: "bill", fault: name });

  it("does not exist on a day without trades", async () => {
    clock.advance(24 * hour_ms);
    expect((await fetchBill("trade")).outcome).toEqual({ kind: "empty" });
    clock.advance(-24 * hour_ms);
  });

  it("is fetched whole, from ten o'clock of the next day on", async () => {
    const input = {
      ...makePayInput("wechat.native", "https://shop.example/n"),
      created_at: noon,
      expires_at: noon + hour_ms,
    };
    const code = codeOf(expectPending(await caller.pay(wechat, made.account, input)));
    await post("pay", { code, notify: false });
    expect((await fetchBill("trade")).outcome).toMatchObject({ kind: "failed", failure: { code: "PARAM_ERROR" } });
    clock.advance(21 * hour_ms);
    expect((await fetchBill("trade")).outcome).toEqual({ kind: "not_ready", retry_after_ms: 30 * 60_000 });
    clock.advance(2 * hour_ms);
    const { outcome, text } = await fetchBill("trade");
    expect(outcome).toEqual({ kind: "fetched", files: 1, bytes: Buffer.byteLength(text) });
    expect(text).toContain(`\`${input.serial_no},`);
    expect(text).toContain("`88.01,");
  });

  it("shows the movements of a direct merchant's money", async () => {
    const { outcome, text } = await fetchBill("fund_flow");
    if (mode === "partner") {
      expect(outcome).toMatchObject({ kind: "failed", failure: { code: "BILL_KIND_UNSUPPORTED" } });
      return;
    }
    expect(outcome).toMatchObject({ kind: "fetched" });
    expect(text).toContain("`收入,`88.01,");
  });

  it.each([
    ["http_500", "http_status"],
    ["rate_limit", "rate_limited"],
    ["bad_signature", "bad_signature"],
    ["html", "bad_signature"],
    ["empty", "bad_signature"],
  ])("does not know after %s (%s)", async (name, reason) => {
    await fault(name);
    expect((await fetchBill("trade")).outcome).toMatchObject({ kind: "unknown", reason });
    expect((await fetchBill("trade")).outcome).toMatchObject({ kind: "fetched" });
  });

  it("follows no address that is not the channel's, and believes no other hash", async () => {
    const elsewhere = changeAccount(made.account, {
      config: { base_url: sandbox.url.replace("127.0.0.1", "localhost") },
    });
    expect((await fetchBill("trade", elsewhere)).outcome).toMatchObject({ kind: "unknown", reason: "integrity" });
  });
});

it("takes no answer before ten o'clock of the next day for a day without trades", async () => {
  const body = Buffer.from(JSON.stringify({ code: "NO_STATEMENT_EXIST", message: "" }));
  const ask = (now: number) => {
    const context = { account: {} as ChannelAccount, clock: createManualClock(now), random: systemRandom };
    const { locate } = wechat.bills as { locate: Operation<BillInput, BillOutcome> };
    return locate.fromResponse(context, { kind: "trade", date }, { status: 400, headers: {}, body });
  };
  const ready = noon + 22 * hour_ms;
  expect(await ask(ready - 1)).toEqual({ kind: "not_ready", retry_after_ms: 30 * 60_000 });
  expect(await ask(ready)).toEqual({ kind: "empty" });
});
