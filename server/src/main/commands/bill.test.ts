/**
 * Guarantees: an operator gets a channel's bill of a day as files, exactly as the channel wrote it; a bill that is not
 * there, or did not come whole, leaves no file and says why.
 */
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startSandbox } from "../../../../sandbox/main.ts";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createChannelCaller } from "../../channels/call.ts";
import { createControlPlane, makePayInput } from "../../channels/conformance/harness.ts";
import { getChannel } from "../../channels/registry.ts";
import { wechatRow, wechatTrade } from "../../channels/testing/bill-files.ts";
import { systemClock } from "../../kit/clock.ts";
import { createEnvelope } from "../../kit/crypto.ts";
import { createIdSource, publicId } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import { createChannelAccount, createChannelAccounts } from "../../modules/channel-account/index.ts";
import { registerUnionpay } from "../demo/sandbox-merchants.ts";
import type { AdministrationServices } from "./administration.ts";
import { billCommand } from "./bill.ts";

const envelope = createEnvelope([{ id: "test", key: new Secret(randomBytes(32)) }], systemRandom);
const folder = mkdtempSync(join(tmpdir(), "tributary-bills-"));
let database: TestDatabase;
let db: Database;
let services: AdministrationServices;
let sandbox: Awaited<ReturnType<typeof startSandbox>>;
let account: string;
let serial_no: string;

/** UnionPay's day begins at 23:00 in Beijing. */
const today = () => new Date(systemClock.now() + 9 * 3_600_000).toISOString().slice(0, 10);

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, connections_max: 2, log: createLogger("silent"), random: systemRandom });
  const ids = createIdSource(systemClock, systemRandom);
  const given = { clock: systemClock, random: systemRandom };
  const channels = createChannelCaller({ ...given, log: createLogger("silent") });
  const withPlatform = () => Promise.reject(new Error("these commands need no platform"));
  services = { mode: "production", db, ...given, ids, envelope, channels, getChannel, withPlatform };
  const registered = await registerUnionpay(sandbox.url, "Test");
  const { id } = await createChannelAccount(services, { ...registered, funding_mode: "pooled", livemode: false });
  account = publicId("channel_account", id);
  const opened = (await createChannelAccounts(services).open(id))!;
  const input = makePayInput("unionpay.qr", "http://127.0.0.1:9/n");
  serial_no = input.serial_no;
  const started = await channels.pay(getChannel("unionpay")!, opened, input);
  if (started.kind !== "pending" || started.action.type !== "qr_code") throw new Error("a QR code was expected");
  await createControlPlane(sandbox.url).post("pay", { code: started.action.qr_code, notify: false });
});

afterAll(async () => {
  await services?.channels.end();
  await db?.close();
  await database?.drop();
  await sandbox?.close();
  rmSync(folder, { recursive: true });
});

/** Runs the command as the terminal would, and gives the JSON that it printed. */
async function fetchBill(options: Record<string, unknown>, id = account) {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    await billCommand((use) => use(services)).run(["fetch", id], { to: folder, ...options });
    return JSON.parse(write.mock.calls.map(([line]) => line).join(""));
  } finally {
    write.mockRestore();
  }
}

test("a bill that is not ready leaves no file", async () => {
  expect(await fetchBill({ date: today() })).toEqual({ kind: "not_ready", retry_after_ms: 1_800_000 });
  expect(readdirSync(folder)).toEqual([]);
});

test("a bill becomes files of our names, whatever the channel calls them", async () => {
  await createControlPlane(sandbox.url).post("bills", { channel: "unionpay", date: today() });
  const { kind, files } = await fetchBill({ date: today() });
  expect([kind, files.length]).toEqual(["fetched", 2]);
  expect(files[0]).toEqual({
    path: join(folder, `unionpay-${account}-trade-${today()}-1.txt`),
    name: expect.stringMatching(/^INN\d{6}88ZM_\d{15}$/),
  });
  expect(readFileSync(files[0].path).toString("latin1")).toContain(serial_no);
  expect(readdirSync(folder)).toHaveLength(2);
});

test("trouble leaves what was there, and nothing half", async () => {
  const control = createControlPlane(sandbox.url);
  await control.post("bills", { channel: "unionpay", date: today() });
  const before = readdirSync(folder);
  await control.post("faults", { channel: "unionpay", operation: "bill", fault: "cut" });
  expect(await fetchBill({ date: today() })).toMatchObject({ kind: "unknown", reason: "connection" });
  expect(readdirSync(folder)).toEqual(before);
});

test.each([
  [{ date: "20261120" }, "give a day such as"],
  [{ date: "2026-02-31" }, "give a day such as"],
  [{}, "--date"],
  [{ date: "2026-11-19", kind: "all" }, "one of trade, fund_flow"],
  [{ date: "2026-11-19", kind: "fund_flow" }, "gives no bill of the kind fund_flow"],
])("%o is refused with a sentence", async (options, sentence) => {
  await expect(fetchBill(options)).rejects.toThrow(sentence);
});

async function parseBill(path: string, options: Record<string, unknown>, action = "parse") {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    await billCommand(() => Promise.reject(new Error("parsing needs no services"))).run([action, path], options);
    return JSON.parse(write.mock.calls.map(([line]) => line).join(""));
  } finally {
    write.mockRestore();
  }
}

test("a file is parsed as reconciliation reads it: totals by kind, rejected lines, first lines", async () => {
  const path = join(folder, "wechat.csv");
  writeFileSync(path, wechatTrade([wechatRow({ 手续费: "0.01000" }), wechatRow({ 订单金额: "?" })]));
  const parsed = await parseBill(path, { channel: "wechat", date: "2026-11-20", lines: "1" });
  expect(parsed).toMatchObject({
    ...{ files: 1, lines: 1, rejected: 1 },
    sums: [{ entry: "payment", status: "succeeded", currency: "CNY", count: 1, amount: "100", fee: "1" }],
    rejected_lines: [{ line_no: 3, reason: expect.stringContaining("no amount") }],
    first_lines: [{ line_no: 2, our_no: "A1", amount: "100" }],
  });
});

test("a mapping is tried on a table: first lines as they would be read, sums, what cannot be read", async () => {
  const [path, mapping] = [join(folder, "bank.csv"), join(folder, "bank.json")];
  writeFileSync(path, "日期,金额,摘要\n2026/11/20,-12.50,货款\n昨天,1,x\n");
  const described = { rows: "bank", time_zone: "Asia/Shanghai", date_format: "yyyy/M/d", currency: "CNY" };
  writeFileSync(mapping, JSON.stringify({ ...described, fields: { time: "日期", amount: "金额", reference: "摘要" } }));
  expect(await parseBill(path, { mapping }, "import")).toMatchObject({
    ...{ lines: 1, rejected: 1, balance_breaks: null },
    sums: [{ currency: "CNY", count: 1, income: "0", expense: "1250" }],
    rejected_lines: [{ line_no: 3, reason: expect.stringContaining("昨天") }],
    first_lines: [{ booked_at: "2026-11-19T16:00:00.000Z", amount: "-1250", reference: "货款" }],
  });
  writeFileSync(mapping, JSON.stringify({ ...described, fields: { time: "日期" } }));
  await expect(parseBill(path, { mapping }, "import")).rejects.toThrow("Give the column amount");
  await expect(parseBill(path, { mapping: path }, "import")).rejects.toThrow("cannot be read");
});

test("what is refused says why, and ends the command with an error", async () => {
  const path = join(folder, "cut.csv");
  writeFileSync(path, wechatTrade([wechatRow({})]).slice(0, -40));
  await expect(parseBill(path, { channel: "wechat" })).rejects.toThrow(
    /cut\.csv is refused \((truncated|sum_differs)\): /,
  );
  await expect(parseBill(path, { channel: "unionpay", kind: "fund_flow" })).rejects.toThrow("No bill of the kind");
  await expect(parseBill(join(folder, "nothing"), { channel: "wechat" })).rejects.toThrow("no such file");
});

test("an account that does not exist is refused with a sentence", async () => {
  const nobody = publicId("channel_account", services.ids.uuid());
  await expect(fetchBill({ date: today() }, nobody)).rejects.toThrow(/account/i);
});
