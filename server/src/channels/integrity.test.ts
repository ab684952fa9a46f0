/** Guarantee: an echo that differs in number, amount, currency, merchant or app is always seen; what is not echoed is not invented. */
import { expect, it } from "vitest";
import { money } from "../kit/money.ts";
import type { ChannelPayment } from "./contract.ts";
import { checkIntegrity, checkRefundIntegrity } from "./integrity.ts";

const expected = { serial_no: "S1", amount: money(100n, "CNY"), merchant: "M1", app: "A1" };
const echoed: ChannelPayment = { ...expected, channel_trade_no: "C1", paid_at: 0, payer: "o-secret" };

it("agrees with an exact echo, and with one that leaves merchant and app out", () => {
  expect(checkIntegrity(expected, echoed)).toEqual([]);
  expect(checkIntegrity(expected, { ...echoed, merchant: undefined, app: undefined })).toEqual([]);
});

it.each([
  { serial_no: "S2" },
  { amount: money(101n, "CNY") },
  { amount: money(100n, "USD") },
  { merchant: "M2" },
  { app: "A2" },
])("names the difference of %o without the payer", (change) => {
  const sentences = checkIntegrity(expected, { ...echoed, ...change });
  expect(sentences).toHaveLength(1);
  expect(sentences[0]).toContain(Object.keys(change)[0]);
  expect(sentences[0]).not.toContain("o-secret");
});

it("compares a refund by what its channel echoes", () => {
  const refund = { refund_no: "R1", serial_no: "S1", amount: money(5n, "CNY") };
  const silent = {
    refund_no: undefined,
    serial_no: undefined,
    amount: undefined,
    channel_refund_no: undefined,
    refunded_at: 0,
  };
  expect(checkRefundIntegrity(refund, silent)).toEqual([]);
  expect(checkRefundIntegrity(refund, { ...silent, ...refund })).toEqual([]);
  expect(checkRefundIntegrity(refund, { ...silent, refund_no: "R2", amount: money(6n, "CNY") })).toHaveLength(2);
});
