/**
 * Guarantee: a refund that the payer's account did not take is sent another way by an operator, once, also when the answer is
 * lost; the books follow the channel; a refund that is not abnormal is left alone.
 */
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { nextNumber, paymentBody } from "../../../../test/platform/payments.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import { refundCommand } from "../../main/commands/bank-transfer.ts";
import { redirectRefund } from "./index.ts";

const lines: string[] = [];
let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ logs: { write: (line) => void lines.push(line) } });
});
afterAll(() => platform.close());
afterEach(async () => {
  await platform.settle();
  expect(await platform.findFaults()).toEqual([]);
});

const card = { kind: "card", bank: "ICBC_DEBIT", account: "6222020000000000000", name: "张三" } as const;
const statusOf = async (id: string) => (await platform.get(`/v1/refunds/${id}`)).status;

/** A refund of a paid payment, which ends as `fault` says. */
async function refund(fault?: string): Promise<string> {
  const payment = await platform.post("/v1/payments", { ...paymentBody(), method: "wechat.native" });
  await platform.sandbox.pay(payment.action.qr_code);
  await platform.settle();
  if (fault) await platform.sandbox.fault("wechat", "refund", fault);
  const body = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 100 };
  const { id } = await platform.post("/v1/refunds", body);
  await platform.settle();
  return id;
}
const redirect = (id: string, to: Parameters<typeof redirectRefund>[2] = { kind: "merchant" }) =>
  redirectRefund(platform.services.refund, id, to);

test.each([{ kind: "merchant" }, card] as const)("an abnormal refund goes to $kind, and succeeds", async (to) => {
  const id = await refund("refund_abnormal");
  expect(await statusOf(id)).toBe("sent");
  await platform.advance(60_000);
  expect(lines.some((line) => line.includes("a refund waits for a person"))).toBe(true);
  expect((await redirect(id, to)).status).toBe("sent");
  await platform.settle();
  expect(await statusOf(id)).toBe("succeeded");
  expect(lines.filter((line) => line.includes(card.account) || line.includes(card.name))).toEqual([]);
});

test("a lost answer is repeated, and sends nothing twice", async () => {
  const id = await refund("refund_abnormal");
  // A notice would tell before the answer is repeated.
  await platform.sandbox.fault("wechat", "notice", "notice_lost", { times: 2 });
  await platform.sandbox.fault("wechat", "refund", "bad_signature");
  await expect(redirect(id)).rejects.toMatchObject({ code: "refund.redirect_unknown" });
  expect((await redirect(id)).status).toBe("succeeded");
  await expect(redirect(id)).rejects.toMatchObject({ code: "refund.not_found" });
  await platform.sandbox.clearFaults();
});

test("a refund that is under way is left alone, and one that the channel refuses waits as before", async () => {
  const id = await refund("refund_processing");
  expect((await redirect(id)).status).toBe("sent");
  await platform.sandbox.endRefund((await platform.get(`/v1/refunds/${id}`)).refund_no, "abnormal");
  await platform.settle();
  await expect(redirect(id, { ...card, bank: "" })).rejects.toMatchObject({ code: "refund.not_redirectable" });
  expect(await statusOf(id)).toBe("sent");
  await redirect(id);
  await expect(redirect("rf_0000")).rejects.toMatchObject({ code: "refund.not_found" });
});

test("the command line sends it, and says what is wrong with its options", async () => {
  const id = await refund("refund_abnormal");
  const { services } = platform;
  const given = { ...services, ...services.payment, mode: "production" } as const;
  const command = refundCommand((use) => use({ ...given, withPlatform: (act) => act(services) }));
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    await expect(command.run(["redirect", id], { to: "moon" })).rejects.toThrow("give merchant or card");
    await expect(command.run(["redirect", id], { to: "card" })).rejects.toThrow("--bank");
    await command.run(["redirect", id], { to: "merchant" });
    expect(JSON.parse(write.mock.calls.map(([line]) => line).join(""))).toMatchObject({ refund: id, status: "sent" });
  } finally {
    write.mockRestore();
  }
});
