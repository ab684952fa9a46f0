/**
 * Guarantees: an operator does every account operation from the command line alone, names who acts, and finds there what waits
 * for a second person; all of it is in the audit trail; a mistake is answered with a sentence and changes nothing.
 */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createOperator } from "../../../../test/platform/operators.ts";
import { codeOf, paymentBody } from "../../../../test/platform/payments.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import { publicId } from "../../kit/id.ts";
import { listOperatorActions } from "../../modules/operator/index.ts";
import type { Command } from "../command.ts";
import { accountCommand } from "./account.ts";
import type { AdministrationServices, WithServices } from "./administration.ts";
import { approvalCommand } from "./approval.ts";

let platform: Platform;
let merchant: string;
const [ann, ben] = ["ann@operators.example", "ben@operators.example"];
const withServices: WithServices = (use) => {
  const { services } = platform;
  const { channels, getChannel } = services.payment;
  const given: AdministrationServices = {
    ...{ ...services, mode: "production", channels, getChannel },
    withPlatform: (act) => act(services),
  };
  return use(given);
};

beforeAll(async () => {
  platform = await startPlatform();
  for (const name of ["ann", "ben"]) await createOperator(platform, name);
  merchant = publicId("merchant", platform.merchant.merchant_id);
  const payment = await platform.post("/v1/payments", paymentBody("wechat.native", { amount: 10_000 }));
  await platform.sandbox.pay(codeOf(payment));
  await platform.settle();
}, 60_000);
afterAll(async () => {
  expect(await platform?.findFaults()).toEqual([]);
  await platform?.close();
});

/** Runs a command as the terminal would, and gives the JSON that it printed. */
async function run(make: (services: WithServices) => Command, args: string[], options: Record<string, unknown> = {}) {
  platform.clock.advance(1);
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    await make(withServices).run(args, options);
    return JSON.parse(write.mock.calls.map(([line]) => line).join(""));
  } finally {
    write.mockRestore();
  }
}
const account = (action: string, options: Record<string, unknown> = {}) =>
  run(accountCommand, [action], { merchant, by: ann, reason: "as ordered", ...options });
const approval = (args: string[], options: Record<string, unknown> = {}) => run(approvalCommand, args, options);

test("every operation by its flags, and the history of all", async () => {
  expect(await account("open")).toMatchObject({ type: "open", status: "done", maker: { email: ann } });
  await account("freeze", { scope: "debit", includeRefunds: true });
  expect(await account("show")).toMatchObject([{ currency: "CNY", debit_frozen: true, refunds_frozen: true }]);
  await account("unfreeze", { scope: "all" });
  const frozen = await account("freeze-amount", { account: "pending", amount: "500" });
  expect(frozen).toMatchObject({ after: { balances: { frozen: 500 } } });
  expect(await account("release-amount", { freeze: frozen.id, amount: "200" })).toMatchObject({ amount: 200 });
  expect(await account("release-amount", { freeze: frozen.id })).toMatchObject({ amount: 300 });
  const options = { account: "available", direction: "credit", amount: "100" };
  const adjusted = await account("adjust", options);
  expect(await account("reverse", { transaction: adjusted.booked_by })).toMatchObject({ status: "done" });
  await expect(account("close")).rejects.toThrow("merchant_pending");
  const history = await account("history");
  expect(history.map(({ type }: { type: string }) => type)).toEqual(
    ["open", "freeze", "unfreeze", "freeze_amount", "release_amount", "release_amount", "adjust", "reverse"].reverse(),
  );
});

test("a policy makes one wait, and another decides", async () => {
  const policy = { kind: "account.adjust", above: "50", currency: "CNY", by: ann };
  expect(await approval(["set-policy"], policy)).toEqual({ kind: "account.adjust", currency: "CNY", above: "50" });
  expect(await approval(["policies"])).toEqual([{ kind: "account.adjust", currency: "CNY", above: "50" }]);
  const options = { account: "available", direction: "credit", amount: "51" };
  const [one, two, three] = [
    await account("adjust", options),
    await account("adjust", options),
    await account("adjust", options),
  ];
  expect(one.status).toBe("pending");
  expect(await approval(["list"], { merchant })).toHaveLength(3);
  await expect(approval(["approve", one.approval], { by: ann })).rejects.toThrow("Nobody decides what they asked for");
  expect(await approval(["approve", one.approval], { by: ben })).toMatchObject({
    ...{ status: "approved", checker: { email: ben }, amount: 51, subject: one.id },
  });
  await expect(approval(["reject", two.approval], { by: ben })).rejects.toThrow("comment");
  expect(await approval(["reject", two.approval], { by: ben, comment: "No." })).toMatchObject({ status: "rejected" });
  expect(await approval(["cancel", three.approval], { by: ann })).toMatchObject({ status: "cancelled" });
  expect(await approval(["show", one.approval])).toMatchObject({
    status: "approved",
    details: { direction: "credit" },
  });
  expect(await approval(["list"])).toEqual([]);
  expect(await approval(["list"], { all: true, merchant })).not.toHaveLength(3);
  expect(await approval(["set-policy"], { ...policy, above: "none" })).toBeNull();
});

test("who acts is named and in the audit trail, also where it was refused", async () => {
  await expect(account("freeze", { scope: "all", by: undefined })).rejects.toThrow("Say --by");
  await expect(account("freeze", { scope: "all", by: "eve@example.com" })).rejects.toThrow("Only an active operator");
  await expect(account("adjust", { account: "available", direction: "debit", amount: "999999" })).rejects.toThrow(
    "too little",
  );
  const page = { older_than: null, newer_than: null, order: "desc", fetch: 1 } as const;
  const [action] = await listOperatorActions(platform.services.db, { user_id: null, operation: null }, page);
  expect(action).toMatchObject({
    ...{ source: "cli", operation: "account adjust", target: `${merchant} test CNY`, reason: "as ordered" },
    ...{ status: 409, code: "account.insufficient" },
  });
});

test("mistakes are answered with a sentence", async () => {
  await expect(account("freeze", { scope: "both" })).rejects.toThrow("give one of credit, debit, all");
  await expect(account("freeze-amount", { account: "pending", amount: "1.5" })).rejects.toThrow("whole number");
  await expect(account("freeze-amount", { account: "reserve", amount: "1" })).rejects.toThrow("pending, available");
  await expect(account("release-amount", { freeze: "stl_x" })).rejects.toThrow("aop_");
  await expect(account("open", { merchant: "x" })).rejects.toThrow("mch_");
  await expect(account("open", { currency: "CNX" })).rejects.toThrow("no currency");
  await expect(approval(["show", "apv_01K00000000000000000000000"])).rejects.toThrow("no such approval");
  await expect(approval(["set-policy"], { kind: "x", above: "0", by: ann })).rejects.toThrow("account.adjust");
  await expect(approval(["set-policy"], { kind: "account.close", above: "-1", by: ann })).rejects.toThrow(
    "whole number",
  );
});
