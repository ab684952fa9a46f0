/**
 * Guarantee: the file of a clearing day lists what went through on it in the fixed widths of UnionPay's documents, and
 * what was asked to be wrong with it. Held by an independent client.
 */
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { inflateSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readZip } from "../../server/src/channels/zip.ts";
import { startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { makeUnionpayMerchant, type UnionpayMerchantUnderTest } from "../testing/unionpay-client.ts";

let sandbox: TestSandbox;
let merchant: UnionpayMerchantUnderTest;

beforeAll(async () => {
  sandbox = await startTestSandbox();
  merchant = await makeUnionpayMerchant(sandbox);
});
beforeEach(async () => {
  await sandbox.control("/reset", {});
});
afterAll(() => sandbox.close());

const back = (fields: Record<string, string>) => merchant.post("backTransReq", fields);

async function placeAndPay() {
  const order = merchant.order();
  const { qrCode } = (await back(order)).fields;
  const paid = await sandbox.control("/pay", { code: qrCode, notify: false });
  return { order, queryId: String(paid.transaction_id) };
}

function refundOf(queryId: string) {
  const { currencyCode: _, orderDesc: __, ...order } = merchant.order({ txnType: "04", txnSubType: "00" });
  return { ...order, origQryId: queryId, txnAmt: "34" };
}

describe("files", () => {
  const widths =
    "3,11,11,6,10,19,12,4,2,21,2,32,2,6,10,13,13,4,15,2,2,6,2,4,32,1,21,15,1,15,32,13,13,8,32,13,13,12,2,1,32,98";
  const fetchFile = (settleDate: string) =>
    merchant.post("/", {
      txnType: "76",
      txnSubType: "01",
      bizType: "000000",
      txnTime: "20261120120000",
      settleDate,
      fileType: "00",
    });
  const today = async () => {
    const now = Date.parse((await sandbox.control("/clock")).now);
    // The day turns at 23:00 in Beijing, 15:00 UTC.
    return new Date(now + 9 * 3_600_000).toISOString().slice(0, 10);
  };
  const monthDay = (date: string) => date.slice(5).replace("-", "");

  /** The rows of the file whose name begins so, cut by bytes at the documents' widths; columns count from 1. */
  async function rowsOf(fields: Record<string, string>, prefix: string): Promise<string[][]> {
    for await (const { name, chunks } of readZip(
      Readable.from([inflateSync(Buffer.from(fields.fileContent!, "base64"))]),
    )) {
      const text = (await buffer(chunks)).toString("latin1");
      if (!name.slice(11).startsWith(prefix)) continue;
      return text
        .split("\r\n")
        .slice(0, -1)
        .map((line) => {
          let at = 0;
          const cells = widths.split(",").map((width) => {
            const cell = line.slice(at, at + Number(width));
            at += Number(width) + 1;
            return new TextDecoder("gbk").decode(Buffer.from(cell, "latin1")).trimEnd();
          });
          expect(at).toBe(line.length + 1);
          return ["", ...cells];
        });
    }
    throw new Error(`no file ${prefix}`);
  }

  it("list what went through on a day, by the documents' columns", async () => {
    const date = await today();
    const { order, queryId } = await placeAndPay();
    await placeAndPay();
    const refund = refundOf(queryId);
    await back(refund);
    await back(merchant.order());
    expect((await fetchFile(monthDay(date))).fields.respCode).toBe("98");
    await sandbox.control("/clock", { advance: 2 * 86_400 });
    const { fields } = await fetchFile(monthDay(date));
    expect(fields).toMatchObject({
      respCode: "00",
      settleDate: monthDay(date),
      fileName: `${merchant.mer_id}_${date.replaceAll("-", "")}.zip`,
    });
    const rows = await rowsOf(fields, "ZM_");
    expect(rows.map((row) => [row[20], row[12], row[7]])).toEqual([
      ["01", order.orderId, "000000001234"],
      ["01", expect.any(String), "000000001234"],
      ["04", refund.orderId, "000000000034"],
    ]);
    expect([rows[0]![10], rows[0]![16], rows[0]![17], rows[0]![28]]).toEqual([
      queryId,
      "D000000000005",
      "C000000001229",
      merchant.mer_id,
    ]);
    expect([rows[2]![27], rows[2]![41], rows[2]![17]]).toEqual([queryId, order.orderId, "D000000000034"]);
    expect(await rowsOf(fields, "ZME_")).toEqual([]);
  });

  it("show what was asked to be wrong with them, at once", async () => {
    const date = await today();
    const { order } = await placeAndPay();
    const other = await placeAndPay();
    await sandbox.control("/bills", {
      channel: "unionpay",
      date,
      discrepancies: [
        { kind: "missing", number: order.orderId },
        { kind: "amount", by: 100 },
        { kind: "extra", number: "NEVERWAS01", amount: 500 },
      ],
    });
    const rows = await rowsOf((await fetchFile(monthDay(date))).fields, "ZM_");
    expect(rows.map((row) => [row[12], row[7]])).toEqual([
      [other.order.orderId, "000000001334"],
      ["NEVERWAS01", "000000000500"],
    ]);
  });

  it("are not there for a day without transactions, and refused for no day", async () => {
    expect((await fetchFile("0102")).fields.respCode).toBe("98");
    expect((await fetchFile("1345")).fields.respCode).toBe("10");
  });
});
