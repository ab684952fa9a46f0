/**
 * Guarantee: the Alipay adapter speaks openapi as the channel does, and however the channel or the network behaves, only
 * what Alipay signed about our own trade ends a payment or a refund. In key mode, in certificate
 * mode, and through a service provider.
 */
import { describe, expect, it } from "vitest";
import { changeAccount, context, makePayInput, makeRefundInput } from "../conformance/harness.ts";
import { describeChannelConformance, describeCoverage } from "../conformance/index.ts";
import { ask, payInFull, startPayment, useWorld } from "../conformance/subject.ts";
import { alipay } from "./index.ts";
import { provision, subjectOf } from "./testing/subject.ts";

describeChannelConformance(subjectOf("key"));
describeChannelConformance(subjectOf("certificate"));
describeChannelConformance(subjectOf("isv"));

describe("Alipay's own ways", () => {
  const subject = subjectOf("certificate");
  const world = useWorld(subject);

  it("does not find the trade of an unscanned code, neither to ask nor to close", async () => {
    const { account, caller, control } = world();
    const { input, code } = await startPayment(world(), subject);
    expect(await caller.query(alipay, account, input)).toEqual({ kind: "not_found" });
    expect(await caller.close(alipay, account, input)).toEqual({ kind: "not_found" });
    await control.post("pay", { code, notify: false });
    expect(await caller.query(alipay, account, input)).toMatchObject({ kind: "succeeded" });
  });

  it("reads the second asking of the same refund (fund_change N) as pending, and its sum as no amount", async () => {
    const { account, caller } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    await caller.refund(alipay, account, makeRefundInput(input, channel_trade_no, 500n));
    const refund = makeRefundInput(input, channel_trade_no, 100n);
    expect(await caller.refund(alipay, account, refund)).toMatchObject({
      kind: "succeeded",
      refund: { amount: undefined },
    });
    expect(await caller.refund(alipay, account, refund)).toEqual({ kind: "pending" });
  });

  it("only acknowledges the notices of refunds, partial and whole", async () => {
    const { account, caller, receiver } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    for (const fen of [801n, 8_000n]) {
      await caller.refund(alipay, account, makeRefundInput(input, channel_trade_no, fen));
      expect((await alipay.readNotice(context(account), await receiver.next(input.serial_no))).kind).toBe("ignored");
    }
  });

  it("does not know after a cancel that met a system error (which Alipay spells AQC), and cancels when asked again", async () => {
    const { account, caller } = world();
    const { input } = await payInFull(world(), subject);
    await ask(world(), subject, "cancel", "system_error");
    expect(await caller.cancel(alipay, account, input)).toMatchObject({ kind: "unknown", reason: "system_error" });
    expect(await caller.cancel(alipay, account, input)).toEqual({ kind: "closed" });
  });

  it("refuses answers that name a certificate other than Alipay's", async () => {
    const { account, caller, control } = world();
    const { input } = await payInFull(world(), subject);
    const other = await provision(control, "certificate");
    const foreign = changeAccount(account, {
      config: { alipay_certificates: other.account.config.alipay_certificates },
    });
    expect(await caller.query(alipay, foreign, input)).toMatchObject({
      kind: "unknown",
      reason: "bad_signature",
      detail: expect.stringContaining("no certificate with the number"),
    });
  });

  it("signs the address of a page so that any change of it is refused", async () => {
    const { account, caller, control } = world();
    const input = makePayInput("alipay.page", "https://shop.example/n");
    const outcome = await caller.pay(alipay, account, input);
    if (outcome.kind !== "pending" || outcome.action.type !== "redirect") throw new Error("an address was expected");
    const cheaper = new URL(outcome.action.url);
    const order = cheaper.searchParams.get("biz_content")!;
    cheaper.searchParams.set("biz_content", order.replace("88.01", "0.01"));
    await expect(control.post("pay", { code: cheaper.href })).rejects.toThrow("refuses");
    await control.post("pay", { code: outcome.action.url, notify: false });
    expect(await caller.query(alipay, account, input)).toMatchObject({ payment: { amount: input.amount } });
  });

  it("makes a trade for one buyer, by user id or open id, and fails before anything is sent without one", async () => {
    const { account, caller, control } = world();
    for (const buyer_id of ["2088102122458832", "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5"]) {
      const input = makePayInput("alipay.jsapi", "https://shop.example/n", { payer: { buyer_id } });
      const outcome = await caller.pay(alipay, account, input);
      if (outcome.kind !== "pending" || outcome.action.type !== "jsapi") throw new Error("parameters were expected");
      const trade = await control.get(`trades/${input.serial_no}`);
      expect(outcome.action.parameters).toEqual({ tradeNO: trade.transaction_id });
    }
    const nobody = makePayInput("alipay.jsapi", "https://shop.example/n", { payer: {} });
    expect(await caller.pay(alipay, account, nobody)).toMatchObject({
      kind: "failed",
      failure: { code: "PAYER_BUYER_ID_REQUIRED" },
    });
  });

  it("signs the order string of an app so that any change of it is refused", async () => {
    const { account, caller, control } = world();
    const outcome = await caller.pay(alipay, account, makePayInput("alipay.app", "https://shop.example/n"));
    if (outcome.kind !== "pending" || outcome.action.type !== "app" || !("order_string" in outcome.action)) {
      throw new Error("an order string was expected");
    }
    const { order_string } = outcome.action;
    expect(order_string).not.toContain("+");
    await expect(control.post("pay", { code: order_string.replace("88.01", "0.01") })).rejects.toThrow("refuses");
    await control.post("pay", { code: order_string, notify: false });
  });
});

describeCoverage(alipay);
