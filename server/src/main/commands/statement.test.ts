/**
 * Guarantees: an operator gets the entries of a merchant's day as a file, in the book and format asked for; what cannot be
 * had is told in a sentence, and leaves no file.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { publicId } from "../../kit/id.ts";
import { readXlsx } from "../../kit/table/testing/read-xlsx.ts";
import { paymentPosting } from "../../ledger/index.ts";
import { paid } from "../../ledger/testing/books.ts";
import { clock, openStage, type StatementStage } from "../../modules/statement/testing/server.ts";
import type { AdministrationServices } from "./administration.ts";
import { statementCommand } from "./statement.ts";

const folder = mkdtempSync(join(tmpdir(), "tributary-statements-"));
let stage: StatementStage;
let merchant: string;

beforeAll(async () => {
  stage = await openStage();
  const merchant_id = await stage.addMerchant();
  merchant = publicId("merchant", merchant_id);
  await stage.postAt(Date.UTC(2026, 10, 19), [
    paymentPosting(paid({ merchant_id })),
    paymentPosting(paid({ merchant_id, livemode: false, fee: 0n })),
  ]);
});

afterAll(async () => {
  await stage?.close();
  rmSync(folder, { recursive: true });
});

/** Runs the command as the terminal would, and gives the JSON that it printed. */
async function run(options: Record<string, unknown>) {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    const services = { db: stage.db, clock } as unknown as AdministrationServices;
    await statementCommand((use) => use(services)).run([], { merchant, date: "2026-11-19", ...options });
    return JSON.parse(write.mock.calls.map(([line]) => line).join(""));
  } finally {
    write.mockRestore();
  }
}

test("the test book comes as Chinese CSV, the live one when it is asked for", async () => {
  const out = join(folder, "day.csv");
  const { bytes } = await run({ out });
  const text = readFileSync(out, "utf8");
  expect(text).toMatch(/^\ufeff记账时间,.*\r\n2026-11-19 08:00:00,.*,支付成功,待结算,CNY,100\.00,100\.00,/);
  expect(bytes).toBe(Buffer.byteLength(text));
  await run({ out, live: true, lang: "en" });
  expect(readFileSync(out, "utf8")).toContain(",pending,CNY,99.40,99.40,");
  expect(readdirSync(folder)).toEqual(["day.csv"]);
});

test("XLSX is a workbook", async () => {
  const out = join(folder, "day.xlsx");
  await run({ out, format: "xlsx", lang: "en", currency: "CNY" });
  expect(readXlsx(readFileSync(out)).map(({ name, rows }) => [name, rows.length])).toEqual([
    ["Summary", 2],
    ["Entries", 2],
  ]);
});

test.each([
  [{ date: "2026-11-21" }, "There is no statement of such a day"],
  [{ date: "yesterday" }, "There is no statement of such a day"],
  [{ date: undefined }, "Say --date"],
  [{ merchant: "mch_x" }, "begins with mch_"],
  [{ merchant: publicId("merchant", "00000000-0000-7000-8000-000000000009") }, "merchant"],
  [{ format: "pdf" }, "one of csv, xlsx"],
  [{ lang: "fr" }, "one of zh, en"],
  [{ currency: "yuan" }, "ISO 4217"],
  [{ out: join(folder, "no-such-folder", "x.csv") }, "cannot be written (ENOENT)"],
  [{ out: undefined }, "Say --out"],
])("%o is refused with a sentence", async (options, sentence) => {
  const before = readdirSync(folder);
  await expect(run({ out: join(folder, "never.csv"), ...options })).rejects.toThrow(sentence);
  expect(readdirSync(folder)).toEqual(before);
});
