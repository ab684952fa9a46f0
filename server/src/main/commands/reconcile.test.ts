// Guarantee: an operator reconciles a day from the command line: figures and every open difference are shown, and the command
// fails while the day cannot close; a bill is uploaded, refused ones change nothing; cases are handled by two people.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { getChannel } from "../../channels/registry.ts";
import { encodeUuid, publicId } from "../../kit/id.ts";
import { createObjectStorage } from "../../kit/object-storage/object-storage.ts";
import { systemRandom } from "../../kit/random.ts";
import { decideApproval } from "../../modules/approval/index.ts";
import {
  openAccount,
  openMerchant,
  openOperator,
  openWorld,
  type Paid,
  pay,
  registerHandlers,
  today,
  type World,
} from "../../modules/reconciliation/testing/days.ts";
import type { AdministrationServices, Platform, WithPlatform } from "./administration.ts";
import { reconcileCommand } from "./reconcile.ts";

const folder = mkdtempSync(join(tmpdir(), "tributary-"));
let world: World;
let services: AdministrationServices;
let checker: string;
let account: string;
let merchant_id: string;
let date: string;

beforeAll(async () => {
  world = await openWorld();
  registerHandlers(world);
  await openOperator(world, "maker");
  checker = await openOperator(world, "checker");
  const storage = createObjectStorage({ kind: "local", folder }, { clock: world.clock, random: systemRandom });
  const accounts = { open: async () => undefined };
  const reconciliation = { ...world.services, storage, accounts, getChannel };
  const withPlatform: WithPlatform = (act) => act({ reconciliation } as unknown as Platform);
  services = { ...world.services, mode: "production", withPlatform } as unknown as AdministrationServices;
});
beforeEach(async () => {
  account = await openAccount(world, { fetches: false, carry_days: 0 });
  merchant_id = await openMerchant(world);
  date = today(world);
});
afterAll(async () => {
  process.exitCode = 0;
  await world?.close();
  rmSync(folder, { recursive: true });
});

/** Runs the command as the terminal would, and gives what it printed. */
async function print(args: string[], options: Record<string, unknown>): Promise<string> {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  process.exitCode = 0;
  try {
    const shared = { account: publicId("channel_account", account), date };
    await reconcileCommand((use) => use(services)).run(args, { ...shared, ...options });
    return write.mock.calls.map(([text]) => String(text)).join("");
  } finally {
    write.mockRestore();
  }
}

const run = async (args: string[], options: Record<string, unknown> = {}) => JSON.parse(await print(args, options));

const headings = [
  ...[
    "交易时间",
    "公众账号ID",
    "商户号",
    "特约商户号",
    "设备号",
    "微信订单号",
    "商户订单号",
    "用户标识",
    "交易类型",
    "交易状态",
  ],
  ...[
    "付款银行",
    "货币种类",
    "应结订单金额",
    "代金券金额",
    "微信退款单号",
    "商户退款单号",
    "退款金额",
    "充值券退款金额",
  ],
  ...["退款类型", "退款状态", "商品名称", "商户数据包", "手续费", "费率", "订单金额", "申请退款金额", "费率备注"],
];

function rowOf({ attempt: { attempt_id } }: Paid, amount: string): string {
  const cells = [
    ...[
      `${date} 12:00:00`,
      "wx1",
      "1900000001",
      "0",
      "",
      `4200${encodeUuid(attempt_id)}`,
      encodeUuid(attempt_id),
      "o1",
      "NATIVE",
    ],
    ...[
      "SUCCESS",
      "OTHERS",
      "CNY",
      amount,
      "0.00",
      "0",
      "0",
      "0.00",
      "0.00",
      "",
      "",
      "tea",
      "",
      "0.38000",
      "0.38%",
      amount,
    ],
    ...["0.00", ""],
  ];
  return cells.map((cell) => `\`${cell}`).join(",");
}

function writeBill(rows: string[], total: string): string {
  const summary = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";
  const sums = [String(rows.length), total, "0.00", "0.00", (rows.length * 0.38).toFixed(5), total, "0.00"];
  const lines = [headings.join(","), ...rows, summary, sums.map((sum) => `\`${sum}`).join(",")];
  const path = join(folder, "bill.csv");
  writeFileSync(path, `\ufeff${lines.join("\r\n")}\r\n`);
  return path;
}

const by = { by: "maker@example.com" };

test("a day is reconciled: it fails while a difference is open, and closes when none is", async () => {
  const paid = await pay(world, { merchant_id, channel_account_id: account });
  const other = await pay(world, { merchant_id, channel_account_id: account });
  expect(await run([], { json: true })).toMatchObject({
    state: "waiting",
    obstacle: expect.stringContaining("waiting"),
  });
  expect(process.exitCode).toBe(1);
  const uploaded = await run(["upload", writeBill([rowOf(paid, "100.00")], "100.00")], by);
  expect(uploaded).toMatchObject({ known: false, bill: { version: 1, lines: 1, source: "uploaded" }, former: null });
  const number = encodeUuid(other.attempt.attempt_id);
  expect(await run([], { json: true })).toMatchObject({
    ...{ state: "open", matched: 1, obstacle: "1 open differences are above the limit of 0." },
    open_differences: [{ type: "ours_only", number, ours: { amount: 10_000 }, channel: { amount: null } }],
  });
  expect(process.exitCode).toBe(1);
  const text = await print([], {});
  expect(text).toContain(`open: ours_only payment ${number} ours 100.00, channel - CNY`);
  expect(text).toContain("channel  payments 1 × 100.00   refunds 0 × 0.00   fees 0.38");
  const again = await run(["upload", writeBill([rowOf(paid, "100.00"), rowOf(other, "100.00")], "200.00")], by);
  expect(again).toMatchObject({ bill: { version: 2 }, former: { version: 1, lines: 1 } });
  expect(await run([], { json: true })).toMatchObject({ state: "closed", obstacle: null, open_differences: [] });
  expect(process.exitCode).toBe(0);
});

test("a bill that is cut or not a bill is refused with a sentence, and changes nothing", async () => {
  const paid = await pay(world, { merchant_id, channel_account_id: account });
  await run(["upload", writeBill([rowOf(paid, "100.00")], "100.00")], by);
  const upload = (path: string) => run(["upload", path], by);
  await expect(upload(writeBill([rowOf(paid, "100.00")], "200.00"))).rejects.toThrow(/refused \(sum_differs\)/);
  const page = join(folder, "page.csv");
  writeFileSync(page, "<html>");
  await expect(upload(page)).rejects.toThrow(/refused/);
  expect(await upload(writeBill([rowOf(paid, "100.00")], "100.00"))).toMatchObject({
    known: true,
    bill: { version: 1 },
  });
  expect(await run([], { json: true })).toMatchObject({ state: "closed" });
  await expect(upload(writeBill([rowOf(paid, "90.00")], "90.00"))).rejects.toThrow("is closed and stays as it is");
});

test("a case is assigned, commented on, and decided by a second operator", async () => {
  await pay(world, { merchant_id, channel_account_id: account });
  await run(["upload", writeBill([], "0.00")], by);
  await run([], { json: true });
  const [found] = await run(["cases"]);
  expect(found).toMatchObject({ type: "ours_only", state: "open", at_risk: 10_000 });
  expect(await run(["assign", found.id], by)).toMatchObject({ owner: expect.stringMatching(/^usr_/) });
  const file = join(folder, "answer.txt");
  writeFileSync(file, "The channel's answer.");
  const commented = await run(["comment", found.id], { ...by, text: "Asked.", file });
  expect(commented.comments).toMatchObject([{ author: "maker@example.com", text: "Asked.", attachment: "answer.txt" }]);
  await expect(run(["propose", found.id], { ...by, action: "sell", reason: "Lost." })).rejects.toThrow("--action");
  const proposed = await run(["propose", found.id], { ...by, action: "write_off", reason: "Lost." });
  expect(proposed).toMatchObject({ state: "proposed", action: "write_off" });
  const { parsePublicId } = await import("../../kit/id.ts");
  const id = parsePublicId("approval", proposed.approval)!;
  await decideApproval(world.services.approval, { id, decision: "approve", checker_id: checker });
  expect(await run([], { json: true })).toMatchObject({ state: "closed" });
  expect(await run(["case", found.id])).toMatchObject({ state: "resolved", outcome: "decided" });
  expect(await run(["days"], { from: date, to: date })).toMatchObject([{ state: "closed" }]);
});

test("rules are shown and changed; what cannot be is refused", async () => {
  expect(await run(["rules"], { carryDays: "3", fetch: "no" })).toMatchObject({ carry_days: 3, fetches: false });
  await expect(run(["rules"], { timeZone: "Moon" })).rejects.toThrow("is no time zone");
  await expect(run(["rules"], { caseLimit: "-1" })).rejects.toThrow("whole number");
  await expect(run([], { date: "2026-02-30" })).rejects.toThrow("give a day");
});
