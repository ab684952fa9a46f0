/**
 * Guarantees that the simulated Alipay publishes the bill of a day from nine o'clock of the next, at an address of 30
 * seconds, as a zip with names in GBK; asked for with the official SDK, signature validation on, and opened by hand.
 */
import { inflateRawSync } from "node:zlib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type AlipayMerchantUnderTest, makeAlipayMerchant } from "../testing/alipay-client.ts";
import { type Json, startTestSandbox, type TestSandbox } from "../testing/bench.ts";

let sandbox: TestSandbox;
let merchant: AlipayMerchantUnderTest;
/** Noon in Beijing. */
let now_ms = Date.UTC(2026, 10, 20, 4);
const hour_ms = 3_600_000;

beforeAll(async () => {
  sandbox = await startTestSandbox({ now: () => now_ms });
  merchant = await makeAlipayMerchant(sandbox, { mode: "certificate" });
});
afterAll(() => sandbox.close());

const locate = (bill_type: string, bill_date: string): Promise<Json> =>
  merchant.call("alipay.data.dataservice.bill.downloadurl.query", { bill_type, bill_date });

/** The files of a zip by the directory at its end. */
function unzip(zip: Buffer): [string, string][] {
  const end = zip.lastIndexOf("PK\x05\x06", undefined, "latin1");
  const decoder = new TextDecoder("gbk");
  const files: [string, string][] = [];
  for (let at = zip.readUInt32LE(end + 16), left = zip.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [size, length, extra, comment] = [
      zip.readUInt32LE(at + 20),
      ...[28, 30, 32].map((o) => zip.readUInt16LE(at + o)),
    ];
    const header = zip.readUInt32LE(at + 42);
    const start = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
    const content = inflateRawSync(zip.subarray(start, start + size!));
    files.push([decoder.decode(zip.subarray(at + 46, at + 46 + length!)), decoder.decode(content)]);
    at += 46 + length! + extra! + comment!;
  }
  return files;
}

async function open(bill_type: string, bill_date: string): Promise<[string, string][]> {
  const { bill_download_url } = await locate(bill_type, bill_date);
  return unzip(Buffer.from(await (await fetch(bill_download_url)).arrayBuffer()));
}

it("publishes nothing before nine o'clock, for no other day, and for no other type", async () => {
  const order = { out_trade_no: "A1", total_amount: "100.00", subject: "Tea" };
  const { qr_code } = await merchant.call("alipay.trade.precreate", order);
  await sandbox.control("/pay", { code: qr_code });
  expect((await locate("trade", "2026-11-20")).sub_code).toBe("isv.invalid_arguments");
  now_ms += 20 * hour_ms;
  expect((await locate("trade", "2026-11-20")).sub_code).toBe("isp.bill_not_exist");
  now_ms += hour_ms;
  expect((await locate("trade", "2026-11-20")).code).toBe("10000");
  expect((await locate("trade", "2026-11-19")).sub_code).toBe("isp.bill_not_exist");
  expect((await locate("settlement", "2026-11-20")).sub_code).toBe("isv.invalid_arguments");
});

it("writes both tables of a day's trades, and of the balance", async () => {
  const [[name, detail], [summaryName, summary]] = (await open("trade", "2026-11-20")) as [
    [string, string],
    [string, string],
  ];
  expect([name, summaryName]).toEqual([
    `${merchant.seller_id}0156_20261120_业务明细.csv`,
    `${merchant.seller_id}0156_20261120_业务明细(汇总).csv`,
  ]);
  expect(detail.split("\r\n")[5]).toContain("\t,A1\t,交易\t,Tea,2026-11-20 12:00:00,2026-11-20 12:00:00,");
  expect(summary).toContain("合计\t,,1,0,100.00,100.00,");
  const [[, funds]] = (await open("signcustomer", "2026-11-20")) as [[string, string]];
  expect(funds).toContain(",100.00,0.00,100.00,支付宝,交易付款,\r\n");
  expect(funds).toContain(",0.00,-0.38,99.62,支付宝,收费,\r\n");
});

it("writes what was asked to be wrong, at each download the same, and a late line the day after", async () => {
  const discrepancies = [
    { kind: "late", number: "A1" },
    { kind: "extra", number: "GHOST", amount: 500 },
  ];
  await sandbox.control("/bills", { channel: "alipay", date: "2026-11-20", discrepancies });
  const [[, bent]] = (await open("trade", "2026-11-20")) as [[string, string]];
  expect([bent.includes("A1"), bent.includes("GHOST"), bent.includes("#交易合计：1笔")]).toEqual([false, true, true]);
  expect((await open("trade", "2026-11-20"))[0]![1]).toBe(bent);
  now_ms += 24 * hour_ms;
  expect((await open("trade", "2026-11-21"))[0]![1]).toContain("A1");
});

it("answers a page to an address that is old or made up", async () => {
  const { bill_download_url } = await locate("trade", "2026-11-20");
  now_ms += 30_001;
  for (const address of [bill_download_url, bill_download_url.replace(/token=\w+/, "token=x")]) {
    const answer = await fetch(address);
    expect(answer.headers.get("content-type")).toContain("text/html");
  }
});
