/**
 * Guarantee: a transfer through Alipay is done or failed only when Alipay says so of this number and this amount; asked
 * again it is not made twice; and no account in key mode ever asks for one.
 */
import { describe, expect, it } from "vitest";
import { money } from "../../kit/money.ts";
import { context as contextOf, makeNumber, makePayInput, startNoticeReceiver } from "../conformance/harness.ts";
import { useWorld } from "../conformance/subject.ts";
import type { TransferInput } from "../contract.ts";
import { alipay } from "./index.ts";
import { business, context, signed, unsigned } from "./testing/answers.ts";
import { provision, subjectOf } from "./testing/subject.ts";

const transfers = alipay.transfers!;
const world = useWorld(subjectOf("certificate"));
const make = (input: TransferInput) => world().caller.run("transfer", world().account, transfers.transfer, input);
const query = (input: TransferInput) => world().caller.run("transfer_query", world().account, transfers.query, input);
const ask = (operation: string, fault: string) =>
  world().control.post("faults", { channel: "alipay", operation, fault, merchant: world().merchant });

function makeInput(changes: Partial<TransferInput> = {}): TransferInput {
  const { created_at, notify_url } = makePayInput("alipay.qr", "https://shop.example/n");
  return {
    transfer_no: makeNumber(),
    amount: money(1_234n, "CNY"),
    beneficiary: { kind: "login_id", account: "someone@example.com", name: "李四" },
    title: "佣金 2026/11",
    notify_url,
    created_at,
    ...changes,
  };
}

describe("a transfer", () => {
  it.each([
    { kind: "user_id", account: "2088000000000044" },
    { kind: "openid", account: "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5" },
    { kind: "login_id", account: "someone@example.com", name: "李四" },
  ] as const)("reaches a person by $kind", async (beneficiary) => {
    const input = makeInput({ beneficiary });
    const made = await make(input);
    expect(made).toMatchObject({ kind: "succeeded", transfer: { transfer_no: input.transfer_no } });
    const asked = await query(input);
    expect(asked).toMatchObject({ kind: "succeeded", transfer: { amount: input.amount } });
  });

  it("of 50,000 yuan and more brings the reason that the law asks for", async () => {
    expect((await make(makeInput({ amount: money(5_000_000n, "CNY") }))).kind).toBe("succeeded");
  });

  it("is made once, also when the first answer was lost, and found by asking", async () => {
    const input = makeInput();
    await ask("transfer", "timeout_after");
    const lost = await world().impatient.run("transfer", world().account, transfers.transfer, input);
    expect(lost).toMatchObject({ kind: "unknown", reason: "timeout" });
    const found = await query(input);
    expect(found).toMatchObject({ kind: "succeeded" });
    expect(await make(input)).toMatchObject({
      kind: "succeeded",
      transfer: { channel_transfer_no: found.kind === "succeeded" ? found.transfer.channel_transfer_no : "" },
    });
    const other = await make({ ...input, amount: money(1n, "CNY") });
    expect(other).toMatchObject({ kind: "failed", failure: { code: "EXCEED_LIMIT_SM_MIN_AMOUNT" } });
    const conflict = await make({ ...input, amount: money(1_235n, "CNY") });
    expect(conflict).toMatchObject({ kind: "unknown", reason: "duplicate" });
  });

  it("is not found when it was never taken", async () => {
    const input = makeInput();
    await ask("transfer", "http_500");
    expect(await make(input)).toMatchObject({ kind: "unknown", reason: "http_status" });
    expect(await query(input)).toEqual({ kind: "not_found" });
  });

  it("under way is pending until it succeeds or fails", async () => {
    const { control } = world();
    const [good, bad] = [makeInput(), makeInput()];
    await ask("transfer", "payout_processing");
    expect(await make(good)).toEqual({ kind: "pending", detail: "DEALING" });
    await ask("transfer", "payout_failed");
    expect(await make(bad)).toEqual({ kind: "pending", detail: "DEALING" });
    await control.post("clock", { advance: 3_601 });
    expect(await query(good)).toMatchObject({ kind: "succeeded" });
    expect(await query(bad)).toMatchObject({ kind: "failed", failure: { code: "PAYEE_ACCOUNT_STATUS_ERROR" } });
    await control.post("clock", { reset: true });
  });

  it.each([
    ["bad_signature", "bad_signature"],
    ["no_signature", "bad_signature"],
    ["html", "unreadable"],
    ["system_error", "system_error"],
    ["service_unavailable", "system_error"],
    ["rate_limit", "rate_limited"],
    ["wrong_number", "integrity"],
  ])("is not known after %s", async (fault, reason) => {
    await ask("transfer", fault);
    expect(await make(makeInput())).toMatchObject({ kind: "unknown", reason });
    const input = makeInput();
    await make(input);
    await ask("transfer_query", fault);
    expect(await query(input)).toMatchObject({ kind: "unknown", reason });
  });

  it("is not believed with another amount", async () => {
    const input = makeInput();
    await make(input);
    await ask("transfer_query", "wrong_amount");
    expect(await query(input)).toMatchObject({ kind: "unknown", reason: "integrity" });
  });

  it("fails before anything is sent without a name for a login, or without certificates", async () => {
    const nameless = makeInput({ beneficiary: { kind: "login_id", account: "someone@example.com" } });
    expect(await make(nameless)).toMatchObject({ kind: "failed", failure: { code: "BENEFICIARY_NAME_REQUIRED" } });
    const { account } = await provision(world().control, "key");
    for (const operation of [transfers.transfer, transfers.query]) {
      expect(await world().caller.run("transfer", account, operation, makeInput())).toMatchObject({
        kind: "failed",
        failure: { code: "CERTIFICATE_MODE_REQUIRED" },
      });
    }
  });
});

describe("an answer about a transfer", () => {
  const { transfer, query: ask } = transfers;
  if ("converse" in transfer || "converse" in ask) throw new Error("single exchanges were expected");
  const method = "alipay.fund.trans.uni.transfer";
  const input = makeInput();
  const answered = (fields: object) => signed(method, { code: "10000", out_biz_no: input.transfer_no, ...fields });

  it.each([
    [answered({ status: "SUCCESS", trans_date: "2026-11-20 12:00:00" }), "succeeded"],
    [answered({ status: "DEALING" }), "pending"],
    [answered({ status: "WAIT_PAY" }), "pending"],
    [answered({ status: "FAIL", error_code: "E", fail_reason: "不行" }), "failed"],
    [answered({ status: "CLOSED" }), "failed"],
    [answered({ status: "REFUND", fail_reason: "退票" }), "failed"],
    [answered({ status: "TELEPORTED" }), "unknown"],
    [answered({}), "unknown"],
    [answered({ status: "SUCCESS", amount: "12.35" }), "unknown"],
    [business(method, "SYSTEM_ERROR"), "unknown"],
    [business(method, "PAYMENT_INFO_INCONSISTENCY"), "unknown"],
    [business(method, "A_CODE_OF_NEXT_YEAR"), "unknown"],
    [business(method, "PAYER_BALANCE_NOT_ENOUGH"), "failed"],
    // They say nothing about an earlier request with the same number.
    [unsigned("error_response", { code: "40006", sub_code: "isv.insufficient-isv-permissions" }), "unknown"],
  ])("is read as it stands, %#", async (answer, kind) => {
    expect(await transfer.fromResponse(context, input, answer)).toMatchObject({ kind });
  });

  it("that the order does not exist is one about nothing", async () => {
    const answer = business("alipay.fund.trans.common.query", "ORDER_NOT_EXIST");
    expect(await ask.fromResponse(context, input, answer)).toEqual({ kind: "not_found" });
  });
});

describe("the message of a transfer", () => {
  it("verifies in GBK and is acknowledged, a tampered one is not", async () => {
    const receiver = await startNoticeReceiver();
    const { control, account, merchant } = world();
    const app_gateway = `${receiver.url}/gateway`;
    await control.post("merchants", { channel: "alipay", app_id: merchant, mode: "certificate", app_gateway });
    for (const fault of ["notice_tampered", "notice_bad_signature", undefined]) {
      if (fault) await ask("notice", fault);
      await ask("transfer", "payout_failed");
      const input = makeInput();
      await make(input);
      await control.post("clock", { advance: 3_601 });
      const result = await alipay.readNotice(contextOf(account), await receiver.next("gateway"));
      expect(result.kind).toBe(fault ? "rejected" : "ignored");
      if (result.kind === "ignored") expect(result.detail).toContain(`${input.transfer_no} is FAIL`);
    }
    await control.post("clock", { reset: true });
    await receiver.close();
  });
});
