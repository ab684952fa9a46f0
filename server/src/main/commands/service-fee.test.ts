/**
 * Guarantees: the terminal bills a merchant in direct mode, records what it pays and pays in advance under an operator's
 * name, and refuses by a sentence what cannot be.
 */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parsePublicId, publicId } from "../../kit/id.ts";
import { systemRandom } from "../../kit/random.ts";
import { run } from "../../ledger/testing/books.ts";
import { decideApproval, setApprovalPolicy } from "../../modules/approval/index.ts";
import {
  advance,
  services as billed,
  books,
  clock,
  DAY_MS,
  key,
  openBilledBooks,
  pay,
  startTest,
} from "../../modules/service-fee/testing/books.ts";
import { createUser } from "../../modules/user/index.ts";
import type { AdministrationServices } from "./administration.ts";
import { serviceFeeCommand } from "./service-fee.ts";

const by = "ops@example.com";
let services: AdministrationServices;
let merchant: string;

beforeAll(async () => {
  await openBilledBooks();
  const withPlatform = (act: (platform: object) => unknown) => act({ serviceFee: billed });
  services = { ...billed, mode: "production", withPlatform } as unknown as AdministrationServices;
  await startTest();
  merchant = publicId("merchant", key.merchant_id);
  await operator(by);
});
afterAll(() => books.close());

const approved = { decision: "approve", comment: null } as const;

async function operator(email: string): Promise<string> {
  const person = { email, name: "Ops", role: "operator", merchant_id: null } as const;
  return (await createUser({ ...billed, sql: books.db, random: systemRandom }, person)).user.id;
}

async function fee(args: string[], options: object = {}) {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    await serviceFeeCommand((use) => use(services)).run(args, { merchant, live: true, by, ...options });
    return JSON.parse(write.mock.calls.map(([line]) => line).join(""));
  } finally {
    write.mockRestore();
  }
}

test("a merchant is billed, tops up, and what is prepaid pays the day's invoice", async () => {
  const limits = { warnBelow: 500, stopBelow: "-100" };
  const set = await fee(["set"], { cycle: "daily", collect: "prepaid", dueDays: 3, ...limits });
  expect(set).toMatchObject({ cycle: "daily", collect: "prepaid", warn_below: "500", stop_below: "-100", low: true });
  const topUp = await fee(["top-up"], { amount: 1_000, reference: "0007" });
  expect(topUp).toMatchObject({ status: "booked", approval: expect.stringMatching(/^apv_/) });
  await fee(["top-up"], { amount: 1_000, reference: "0007" });
  await pay(20_000n);
  expect(await fee(["show"])).toMatchObject([{ prepaid: "1000", due: "200", left: "800", low: false, stopped: false }]);
  await advance(DAY_MS);
  expect(await fee(["list"])).toMatchObject([{ status: "paid", amount: 200, amount_paid: 200 }]);
  await fee(["return"], { amount: 300, reference: "0008" });
  expect(await fee(["show"])).toMatchObject([{ prepaid: "500", due: "0" }]);
  const actions = await run<{ operation: string }>(books.db, "select operation from operator_actions order by id");
  expect(actions.map(({ operation }) => operation)).toContain("service-fee top-up");
});

test("an invoice by hand is issued, void, made again and paid by a transfer", async () => {
  await fee(["set"], { cycle: "on_request", collect: "bank", manual: true });
  await pay(30_000n);
  clock.advance(1);
  const first = await fee(["run"]);
  expect(first).toMatchObject({ status: "open", amount: 300 });
  expect(await fee(["issue", first.id])).toMatchObject({ status: "issued" });
  expect(await fee(["void", first.id], { reason: "wrong" })).toMatchObject({ status: "void", amount_due: 0 });
  await pay(10_000n);
  clock.advance(1);
  const second = await fee(["run"]);
  expect(second).toMatchObject({ amount: 400, brought_forward: 300 });
  await fee(["issue", second.id]);
  await setApprovalPolicy(billed.approval, { kind: "service_fee_payment", currency: "CNY", above: 399n });
  const asked = await fee(["pay", second.id], { amount: 400, reference: "20261201-0042" });
  expect(asked).toMatchObject({ status: "in_review" });
  expect((await fee(["list"]))[0]).toMatchObject({ status: "issued", amount_due: 400 });
  const id = parsePublicId("approval", asked.approval)!;
  await decideApproval(billed.approval, { id, checker_id: await operator("second@example.com"), ...approved });
  expect((await fee(["list"]))[0]).toMatchObject({ status: "paid", amount_due: 0 });
  expect(await fee(["run"])).toBeNull();
});

test.each<[string[], object, RegExp]>([
  [["set"], { cycle: "yearly", collect: "bank" }, /^--cycle is "yearly": choose one of daily/],
  [["set"], { cycle: "daily", collect: "cash" }, /^--collect is "cash": choose one of bank/],
  [["set"], { cycle: "daily", collect: "bank", warnBelow: 1 }, /^Only a prepaid balance/],
  [["set"], { cycle: "daily", collect: "bank", dueDays: "soon" }, /^--due-days is "soon"/],
  [["top-up"], { amount: "1.5", reference: "x" }, /^--amount is "1.5"/],
  [["top-up"], { amount: 1 }, /^Say --reference/],
  [["top-up"], { amount: 1, reference: "x", by: "nobody@example.com" }, /operator/],
  [["pay", "sif_1"], { amount: 1, reference: "x" }, /^"sif_1" is no id of that kind/],
])("what cannot be is one sentence: %j %j", async (args, options, sentence) => {
  await expect(fee(args, options)).rejects.toThrow(sentence);
});
