/**
 * Guarantees: an operator confirms, rejects and refunds transfers from the command line alone, and finds there what waits;
 * a mistake is answered with a sentence and changes nothing.
 */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { addBank } from "../../../../test/platform/bank.ts";
import { createOperator } from "../../../../test/platform/operators.ts";
import { nextNumber } from "../../../../test/platform/payments.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import { CONFIRM_TRANSFER } from "../../modules/administration/index.ts";
import { setApprovalPolicy } from "../../modules/approval/index.ts";
import type { Command } from "../command.ts";
import type { AdministrationServices, WithServices } from "./administration.ts";
import { approvalCommand } from "./approval.ts";
import { paymentCommand, refundCommand } from "./bank-transfer.ts";

let platform: Platform;
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
  await addBank(platform, platform.merchant);
}, 60_000);
afterAll(() => platform?.close());

/** Runs a command as the terminal would, and gives the JSON that it printed. */
async function run(make: (services: WithServices) => Command, args: string[], options: Record<string, unknown> = {}) {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    await make(withServices).run(args, options);
    return JSON.parse(write.mock.calls.map(([line]) => line).join(""));
  } finally {
    write.mockRestore();
  }
}

const create = () =>
  platform.post("/v1/payments", {
    ...{ out_trade_no: nextNumber("bank"), amount: 1_000, currency: "CNY", subject: "Tea", method: "bank.transfer" },
    expires_in: 86_400,
  });

test("a transfer is found waiting, confirmed, refunded, and the refund confirmed", async () => {
  const payment = await create();
  const [waiting] = await run(paymentCommand, ["waiting-transfers"]);
  expect(waiting).toMatchObject({ reference: payment.action.reference, amount: "10.00", payment: payment.id });
  const options = { amount: "10", bankReference: "CMB1", receivedAt: "2026-11-20" };
  const confirmed = await run(paymentCommand, ["confirm-transfer", waiting.reference], options);
  expect(confirmed).toEqual({
    ...{ payment: payment.id, serial_no: payment.serial_no, status: "succeeded" },
    ...{ channel_trade_no: "CMB1", duplicate: false },
  });
  const body = { payment: payment.id, out_refund_no: "r1", amount: 400 };
  const refund = await platform.post("/v1/refunds", body);
  const [owed] = await run(refundCommand, ["waiting-transfers"]);
  expect(owed).toMatchObject({ refund: refund.id, amount: "4.00", received_under: "CMB1" });
  const sent = await run(refundCommand, ["confirm-transfer", refund.id], { bankReference: "CMB2" });
  expect(sent).toMatchObject({ refund: refund.id, status: "succeeded", channel_refund_no: "CMB2" });
  expect(await run(refundCommand, ["waiting-transfers"])).toEqual([]);
});

test("a transfer that did not arrive, and a refund that could not be sent, are said to be so", async () => {
  const [lost, paid] = [await create(), await create()];
  expect(await run(paymentCommand, ["reject-transfer", lost.serial_no])).toMatchObject({ status: "failed" });
  await run(paymentCommand, ["confirm-transfer", paid.serial_no], { amount: 10, bankReference: 4711 });
  const refund = await platform.post("/v1/refunds", { payment: paid.id, out_refund_no: "r2", amount: 400 });
  const failed = await run(refundCommand, ["fail-transfer", refund.refund_no], { reason: "Account closed" });
  expect(failed).toMatchObject({ status: "failed", channel_refund_no: null });
});

test("a mistake is one sentence", async () => {
  const payment = await create();
  const confirm = (options: Record<string, unknown>, number = payment.serial_no) =>
    run(paymentCommand, ["confirm-transfer", number], { amount: "10.00", bankReference: "CMB9", ...options });
  await expect(confirm({ amount: undefined })).rejects.toThrow("Say --amount");
  await expect(confirm({ amount: "ten" })).rejects.toThrow('--amount: "ten" is not an amount.');
  await expect(confirm({ amount: "9" })).rejects.toThrow("CNY 1.00 too little");
  await expect(confirm({ receivedAt: "yesterday" })).rejects.toThrow('--received-at is "yesterday"');
  await expect(confirm({ receivedAt: "2027-01-01" })).rejects.toThrow("has not come yet");
  await expect(confirm({}, "AAA-AAA-AAB")).rejects.toThrow("No payment or refund waits under AAA-AAA-AAB");
  await expect(run(paymentCommand, ["confirm-transfer"], {})).rejects.toThrow("its number is missing");
  expect(await platform.get(`/v1/payments/${payment.id}`)).toMatchObject({ status: "processing" });
});

test("above a limit the one who confirms is named, and another decides", async () => {
  const [ann, ben] = [await createOperator(platform, "ann"), await createOperator(platform, "ben")];
  const policy = { kind: CONFIRM_TRANSFER, currency: "*" };
  await setApprovalPolicy(platform.services.approval, { ...policy, above: 999n });
  const payment = await create();
  const options = { amount: "10", bankReference: "CMB-BIG" };
  const confirm = (more: object = {}) =>
    run(paymentCommand, ["confirm-transfer", payment.serial_no], { ...options, ...more });
  await expect(confirm()).rejects.toThrow("say --by");
  await expect(confirm({ by: ann.email, amount: "ten" })).rejects.toThrow("--amount");
  const asked = await confirm({ by: ann.email });
  expect(asked).toMatchObject({ status: "pending", maker: { email: ann.email }, amount: 1_000 });
  await expect(run(approvalCommand, ["approve", asked.id], { by: ann.email })).rejects.toThrow("Nobody decides");
  expect(await run(approvalCommand, ["approve", asked.id], { by: ben.email })).toMatchObject({ problem: null });
  expect((await platform.get(`/v1/payments/${payment.id}`)).status).toBe("succeeded");
  await setApprovalPolicy(platform.services.approval, { ...policy, above: null });
});
