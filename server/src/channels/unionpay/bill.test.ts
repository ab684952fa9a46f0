/**
 * Guarantee: a UnionPay bill is either the file that UnionPay signed for the day and the merchant that were asked for, or
 * it is said why it is not there. Trouble and untruth are never taken for a day without transactions.
 */
import { Writable } from "node:stream";
import { deflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSandbox } from "../../../../sandbox/main.ts";
import { createManualClock } from "../../kit/clock.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import type { BillFetch } from "../bills.ts";
import { type ChannelCaller, createChannelCaller } from "../call.ts";
import {
  type ControlPlane,
  changeAccount,
  createControlPlane,
  makePayInput,
  makeRefundInput,
  startPeer,
} from "../conformance/harness.ts";
import type { ChannelAccount } from "../contract.ts";
import { unionpay } from "./index.ts";

const DATE = "2026-11-20";
/** Noon of that day in Beijing; both sides follow this clock. */
const NOON = Date.UTC(2026, 10, 20, 4);
const HOUR_MS = 3_600_000;

let sandbox: Awaited<ReturnType<typeof startSandbox>>;
let control: ControlPlane;
let account: ChannelAccount;
let merchant: string;
const clock = createManualClock(NOON);
const log = createLogger("silent");
let caller: ChannelCaller;

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, now: () => clock.now() });
  control = createControlPlane(sandbox.url);
  const made = (await control.post("merchants", { channel: "unionpay", name: "小满茶铺" })) as Record<string, string>;
  merchant = made.mer_id!;
  account = {
    id: "unionpay-bills",
    version: 1,
    livemode: false,
    config: {
      mer_id: merchant,
      merchant_certificate: made.merchant_certificate_pem,
      root_certificate: made.root_certificate_pem,
      middle_certificates: [{ pem: made.middle_certificate_pem }],
      signer_name: made.signer_name,
      base_url: sandbox.url,
    },
    secrets: { merchant_private_key: new Secret(made.merchant_private_key_pem!) },
  };
  caller = createChannelCaller({ clock, random: systemRandom, log });
});
afterAll(async () => {
  await caller.end();
  await sandbox.close();
});

async function fetchBill(date: string, from = account): Promise<{ outcome: BillFetch; files: Map<string, Buffer> }> {
  const files = new Map<string, Buffer>();
  const sink = {
    open(name = "") {
      const chunks: Buffer[] = [];
      return new Writable({
        write: (chunk, _encoding, done) => done(void chunks.push(chunk)),
        final: (done) => done(void files.set(name, Buffer.concat(chunks))),
      });
    },
  };
  return { outcome: await caller.downloadBill(unionpay, from, { kind: "trade", date }, sink), files };
}

async function payOne(): Promise<{ serial_no: string; refund_no: string }> {
  const input = makePayInput("unionpay.qr", "http://127.0.0.1:9/n", {
    created_at: clock.now(),
    expires_at: clock.now() + HOUR_MS,
  });
  const started = await caller.pay(unionpay, account, input);
  if (started.kind !== "pending" || started.action.type !== "qr_code") throw new Error("a QR code was expected");
  const { transaction_id } = await control.post("pay", { code: started.action.qr_code, notify: false });
  const refund = makeRefundInput(input, String(transaction_id), 500n, { created_at: clock.now() });
  await caller.refund(unionpay, account, refund);
  return { serial_no: input.serial_no, refund_no: refund.refund_no };
}

/** A row's cells of the columns that a merchant reads, cut by bytes. */
function readRow(row: Buffer) {
  const text = (at: number, width: number) => new TextDecoder("gb18030").decode(row.subarray(at, at + width)).trimEnd();
  return { amount: text(66, 12), order: text(112, 32), name: text(327, 32), merchant: text(293, 15) };
}

describe("the bill of a day", () => {
  it("is not ready until nine o'clock of the next day, then holds payments and refunds", async () => {
    const { serial_no, refund_no } = await payOne();
    expect((await fetchBill(DATE)).outcome).toEqual({ kind: "not_ready", retry_after_ms: 1_800_000 });
    clock.advance(21 * HOUR_MS);
    const { outcome, files } = await fetchBill(DATE);
    expect(outcome).toMatchObject({ kind: "fetched", files: 2 });
    expect([...files.keys()]).toEqual([`INN26112088ZM_${merchant}`, `INN26112088ZME_${merchant}`]);
    const [zm] = files.values();
    const rows = [zm!.subarray(0, zm!.indexOf("\r\n")), zm!.subarray(zm!.indexOf("\r\n") + 2)].map(readRow);
    expect(rows).toEqual([
      { amount: "000000008801", order: serial_no, name: "小满茶铺", merchant },
      { amount: "000000000500", order: refund_no, name: "小满茶铺", merchant },
    ]);
  });

  it("belongs to the day that turned at 23:00 in Beijing", async () => {
    clock.advance(NOON + 35 * HOUR_MS - clock.now());
    await payOne();
    clock.advance(24 * HOUR_MS);
    expect((await fetchBill("2026-11-21")).outcome.kind).toBe("not_ready");
    const { outcome, files } = await fetchBill("2026-11-22");
    expect([outcome.kind, files.size]).toEqual(["not_ready", 0]);
    clock.advance(11 * HOUR_MS);
    expect((await fetchBill("2026-11-22")).outcome.kind).toBe("fetched");
  });

  it("is empty when there is still none a day after its hour", async () => {
    expect((await fetchBill("2026-11-21")).outcome).toEqual({ kind: "empty" });
    expect((await fetchBill("2026-11-23")).outcome.kind).toBe("not_ready");
  });

  it("shows what the channel shows, however wrong", async () => {
    await control.post("bills", { channel: "unionpay", date: DATE, discrepancies: [{ kind: "amount", by: 1 }] });
    const [zm] = (await fetchBill(DATE)).files.values();
    expect(readRow(zm!).amount).toBe("000000008802");
  });
});

describe("trouble", () => {
  it.each([
    ["http_500", "http_status"],
    ["system_error", "system_error"],
    ["service_unavailable", "system_error"],
    ["rate_limit", "rate_limited"],
    ["bad_signature", "bad_signature"],
    ["no_signature", "bad_signature"],
    ["html", "unreadable"],
    ["empty", "unreadable"],
    ["wrong_merchant", "integrity"],
  ])("%s is not known, and no empty day", async (fault, reason) => {
    for (const date of [DATE, "2026-11-21"]) {
      await control.post("faults", { channel: "unionpay", operation: "bill", fault, merchant });
      const { outcome, files } = await fetchBill(date);
      expect(outcome).toMatchObject({ kind: "unknown", reason });
      expect(files.size).toBe(0);
    }
  });

  it("of the account is a failure that names its code", async () => {
    const own = account.config.merchant_certificate;
    const other = (await control.post("merchants", { channel: "unionpay" })) as Record<string, string>;
    const strange = changeAccount(account, {
      secrets: { merchant_private_key: new Secret(other.merchant_private_key_pem!) },
    });
    expect((await fetchBill(DATE, strange)).outcome).toMatchObject({ kind: "failed", failure: { code: "11" } });
    expect(strange.config.merchant_certificate).toBe(own);
  });

  it("of a file server that is somebody else is not known", async () => {
    const fake = new URLSearchParams({ respCode: "00", fileContent: deflateSync("PK").toString("base64") });
    const peer = await startPeer((_request, response) => response.end(decodeURIComponent(fake.toString())));
    const astray = changeAccount(account, { config: { base_url: peer.url } });
    expect((await fetchBill(DATE, astray)).outcome).toMatchObject({ kind: "unknown", reason: "bad_signature" });
    await peer.close();
  });
});

it("asks UnionPay's file server beside its gateway, in production and in its test environment", async () => {
  const addressOf = async (base_url?: string) => {
    const config = { ...account.config, ...(base_url === undefined ? {} : { base_url }) };
    if (base_url === undefined) delete (config as { base_url?: string }).base_url;
    const live = { ...account, id: `unionpay-${base_url}`, config };
    const context = { account: live, clock, random: systemRandom };
    const { locate } = unionpay.bills!;
    if ("converse" in locate) throw new Error("one exchange was expected");
    const request = await locate.toRequest(context, { kind: "trade", date: DATE });
    expect(Object.fromEntries(new URLSearchParams(request.body))).toMatchObject({ txnType: "76", settleDate: "1120" });
    return request.url;
  };
  expect(await addressOf()).toBe("https://filedownload.95516.com/");
  expect(await addressOf("https://gateway.test.95516.com")).toBe("https://filedownload.test.95516.com/");
  expect(await addressOf("http://127.0.0.1:8090")).toBe("http://127.0.0.1:8090/");
});
