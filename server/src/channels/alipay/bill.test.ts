/**
 * Guarantee: an Alipay bill is the file that lies where Alipay said, over signed bytes, that it lies, or it is said why it
 * is not there. A day is never taken for empty because its bill is late, and no bill is read over plain http from Alipay.
 */
import { Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSandbox } from "../../../../sandbox/main.ts";
import { createManualClock } from "../../kit/clock.ts";
import { createLogger } from "../../kit/log.ts";
import { money } from "../../kit/money.ts";
import { systemRandom } from "../../kit/random.ts";
import type { BillFetch } from "../bills.ts";
import { type ChannelCaller, createChannelCaller } from "../call.ts";
import {
  type ControlPlane,
  changeAccount,
  createControlPlane,
  makeNumber,
  makePayInput,
  makeRefundInput,
} from "../conformance/harness.ts";
import type { BillKind, ChannelAccount } from "../contract.ts";
import { alipay } from "./index.ts";
import { business, context, signed } from "./testing/answers.ts";
import { provision } from "./testing/subject.ts";

const DATE = "2026-11-20";
/** Noon of that day in Beijing; both sides follow this clock. */
const NOON = Date.UTC(2026, 10, 20, 4);
const HOUR_MS = 3_600_000;
const METHOD = "alipay.data.dataservice.bill.downloadurl.query";

let sandbox: Awaited<ReturnType<typeof startSandbox>>;
let control: ControlPlane;
let account: ChannelAccount;
let merchant: string;
let caller: ChannelCaller;
const clock = createManualClock(NOON);

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, now: () => clock.now() });
  control = createControlPlane(sandbox.url);
  ({ account, merchant } = await provision(control, "isv"));
  caller = createChannelCaller({ clock, random: systemRandom, log: createLogger("silent") });
});
afterAll(async () => {
  await caller.end();
  await sandbox.close();
});

/** The files as texts. */
async function fetchBill(
  date = DATE,
  kind: BillKind = "trade",
): Promise<{ outcome: BillFetch; files: Map<string, string[]> }> {
  const files = new Map<string, string[]>();
  const sink = {
    open(name = "") {
      const chunks: Buffer[] = [];
      const decode = () => new TextDecoder("gb18030").decode(Buffer.concat(chunks)).split("\r\n");
      return new Writable({
        write: (chunk, _encoding, done) => done(void chunks.push(chunk)),
        final: (done) => done(void files.set(name, decode())),
      });
    },
  };
  return { outcome: await caller.downloadBill(alipay, account, { kind, date }, sink), files };
}

async function payOne(): Promise<{ serial_no: string; trade_no: string; refund_no: string }> {
  const times = { created_at: clock.now(), expires_at: clock.now() + HOUR_MS };
  const input = makePayInput("alipay.qr", "http://127.0.0.1:9/n", { ...times, subject: "月饼,两盒" });
  const started = await caller.pay(alipay, account, input);
  if (started.kind !== "pending" || started.action.type !== "qr_code") throw new Error("a QR code was expected");
  const { transaction_id } = await control.post("pay", { code: started.action.qr_code, notify: false });
  const refund = makeRefundInput(input, String(transaction_id), 500n, { created_at: clock.now() });
  expect((await caller.refund(alipay, account, refund)).kind).toBe("succeeded");
  return { serial_no: input.serial_no, trade_no: String(transaction_id), refund_no: refund.refund_no };
}

describe("the bill of a day", () => {
  it("is not ready until nine o'clock of the next day, then holds payments and refunds as Alipay writes them", async () => {
    const { serial_no, trade_no, refund_no } = await payOne();
    clock.advance(20 * HOUR_MS);
    expect((await fetchBill()).outcome).toEqual({ kind: "not_ready", retry_after_ms: 1_800_000 });
    clock.advance(HOUR_MS);
    const { outcome, files } = await fetchBill();
    expect(outcome).toMatchObject({ kind: "fetched", files: 2 });
    const { seller_id } = account.config;
    const prefix = `${seller_id}0156_20261120_业务明细`;
    expect([...files.keys()]).toEqual([`${prefix}.csv`, `${prefix}(汇总).csv`]);
    const lines = files.get(`${prefix}.csv`)!;
    expect(lines.slice(0, 4)).toEqual([
      "#支付宝业务明细查询",
      `#账号：[${seller_id}0156]`,
      "#起始日期：[2026年11月20日 00:00:00]   终止日期：[2026年11月21日 00:00:00]",
      `#${"-".repeat(41)}业务明细列表${"-".repeat(40)}`,
    ]);
    const names = lines[4]!.split(",");
    expect([names.length, names[0], names[21], names[24]]).toEqual([25, "支付宝交易号", "退款批次号/请求号", "备注"]);
    const rows = lines.slice(5, 7).map((line) => line.split(","));
    expect(rows.map((cells) => cells.length)).toEqual([25, 25]);
    expect(rows.map((cells) => [0, 1, 2, 3, 11, 12, 21, 22].map((at) => cells[at]))).toEqual([
      [`${trade_no}\t`, `${serial_no}\t`, "交易\t", "月饼 两盒", "88.01", "88.01", "\t", "-0.33"],
      [`${trade_no}\t`, `${serial_no}\t`, "退款\t", "月饼 两盒", "-5.00", "-5.00", refund_no, "0.02"],
    ]);
    expect(lines.slice(7)).toEqual([
      `#${"-".repeat(41)}业务明细列表结束${"-".repeat(36)}`,
      "#交易合计：1笔，商家实收共88.01元，商家优惠共0.00元",
      "#退款合计：1笔，商家实收退款共-5.00元，商家优惠退款共0.00元",
      expect.stringMatching(/^#导出时间：\[2026年11月21日 05:00:00\]$/),
      "",
    ]);
    expect(files.get(`${prefix}(汇总).csv`)![5]).toBe("合计\t,,1,1,83.01,83.01,0.00,0.00,0.00,-0.31,0.00,82.70");
  });

  it("shows what Alipay shows, however wrong", async () => {
    const discrepancies = [
      { kind: "amount", by: 1 },
      { kind: "extra", number: "GHOST1", amount: 700 },
    ];
    await control.post("bills", { channel: "alipay", date: DATE, merchant, discrepancies });
    const [detail] = (await fetchBill()).files.values();
    const amounts = detail!.filter((line) => /交易\t|退款\t/.test(line)).map((line) => line.split(",")[11]);
    expect(amounts).toEqual(["88.02", "-5.00", "7.00"]);
  });

  it("is empty when there is still none a day after its hour", async () => {
    clock.advance(24 * HOUR_MS);
    expect((await fetchBill("2026-11-21")).outcome.kind).toBe("not_ready");
    clock.advance(24 * HOUR_MS);
    expect((await fetchBill("2026-11-21")).outcome).toEqual({ kind: "empty" });
  });

  it("of the balance holds every movement with what is left after it", async () => {
    const sharing = alipay.sharing!;
    const receiver = { kind: "user_id", account: "2088000000000011" } as const;
    await caller.run("bind", account, sharing.addReceiver, receiver);
    const { serial_no, trade_no } = await payOne();
    const created_at = clock.now();
    clock.advance(60_000);
    const paid = makePayInput("alipay.qr", "http://127.0.0.1:9/n", { serial_no });
    const attempt = { ...paid, channel_trade_no: trade_no };
    const parts = [{ receiver, amount: money(1_000n, "CNY"), description: "x" }];
    const share = { attempt, sharing_no: makeNumber(), parts, final: true, created_at };
    expect((await caller.run("share", account, sharing.share, share)).kind).toBe("pending");
    const beneficiary = { kind: "user_id", account: "2088000000000022" } as const;
    await caller.run("transfer", account, alipay.transfers!.transfer, {
      ...{ transfer_no: makeNumber(), amount: money(2_000n, "CNY"), beneficiary, title: "工资", created_at },
      notify_url: "http://127.0.0.1:9/n",
    });
    clock.advance(24 * HOUR_MS);
    const { files } = await fetchBill("2026-11-23", "fund_flow");
    const [[name, lines] = ["", []]] = files;
    expect(name).toMatch(/^\d{16}0156_20261123_账务明细\.csv$/);
    const rows = lines.filter((line) => !line.startsWith("#") && line !== "").slice(1);
    const shown = rows.map((line) => [10, 6, 7, 8].map((at) => line.split(",")[at]));
    // 82.70 came over from the first day.
    expect(shown).toEqual([
      ["交易付款", "88.01", "0.00", "170.71"],
      ["收费", "0.00", "-0.33", "170.38"],
      ["交易退款", "0.00", "-5.00", "165.38"],
      ["退费", "0.02", "0.00", "165.40"],
      ["转账", "0.00", "-20.00", "145.40"],
      ["交易分账", "0.00", "-10.00", "135.40"],
    ]);
    expect(lines).toContain("#收入合计：2笔，共88.03元");
    expect(lines).toContain("#支出合计：4笔，共-35.33元");
  });

  it.each([
    ["bad_signature", "bad_signature"],
    ["no_signature", "bad_signature"],
    ["html", "unreadable"],
    ["system_error", "system_error"],
    ["rate_limit", "rate_limited"],
  ])("is not known after %s", async (fault, reason) => {
    await control.post("faults", { channel: "alipay", operation: "bill", fault, merchant });
    expect((await fetchBill()).outcome).toMatchObject({ kind: "unknown", reason });
  });

  it("cannot be asked for on the day itself", async () => {
    const today = new Date(clock.now() + 8 * HOUR_MS).toISOString().slice(0, 10);
    expect((await fetchBill(today)).outcome).toMatchObject({
      kind: "failed",
      failure: { code: "isv.invalid_arguments" },
    });
  });
});

describe("the address of a bill", () => {
  const { locate, origins } = alipay.bills!;
  if ("converse" in locate) throw new Error("a single exchange was expected");
  const input = { kind: "trade", date: "2026-11-19" } as const;
  const at = (bill_download_url: string) =>
    locate.fromResponse(context, input, signed(METHOD, { code: "10000", bill_download_url }));

  it("is Alipay's own, over https", async () => {
    expect(await at("http://dwbillcenter.alipay.com/downloadBillFile.resource?token=1")).toMatchObject({
      kind: "located",
      download: { url: "https://dwbillcenter.alipay.com/downloadBillFile.resource?token=1" },
      compression: "zip",
    });
    expect(await at("not an address")).toMatchObject({ kind: "unknown", reason: "unreadable" });
    const live = changeAccount(account, { config: { gateway: "https://openapi.alipay.com/gateway.do" } });
    expect(origins(live)).toEqual(["https://dwbillcenter.alipay.com"]);
    expect(origins(account)).toEqual([sandbox.url]);
  });

  it("is good for 30 seconds; what comes later is no bill", async () => {
    const asked = await locate.toRequest({ account, clock, random: systemRandom }, { kind: "trade", date: DATE });
    const answer = await fetch(asked.url, { method: "POST", headers: asked.headers, body: asked.body ?? null });
    const answered = (await answer.json()) as Record<string, { bill_download_url: string }>;
    const address = answered[`${METHOD.replaceAll(".", "_")}_response`]!.bill_download_url;
    expect(address).toContain("fileType=csv.zip");
    const load = async () =>
      Buffer.from(await (await fetch(address)).arrayBuffer())
        .subarray(0, 2)
        .toString("latin1");
    clock.advance(30_000);
    expect(await load()).toBe("PK");
    clock.advance(1);
    expect(await load()).toBe("<h");
  });

  it.each([
    ["isp.bill_not_exist", "not_ready"],
    ["NO_BILL_DATA", "not_ready"],
    ["isv.invalid_arguments", "failed"],
    ["SYSTEM_RATE_LIMIT", "unknown"],
    ["A_CODE_OF_NEXT_YEAR", "unknown"],
  ])("is refused with %s: %s", async (sub_code, kind) => {
    expect(await locate.fromResponse(context, input, business(METHOD, sub_code))).toMatchObject({ kind });
  });
});
