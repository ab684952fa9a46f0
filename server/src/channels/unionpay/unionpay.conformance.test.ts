/**
 * Guarantee: the UnionPay adapter speaks ACP 5.1.0 as the channel does, and however the channel or the network behaves,
 * only what UnionPay signed under its own chain about our own order ends a payment or a refund.
 */
import { describe, expect, it } from "vitest";
import { startSandbox } from "../../../../sandbox/main.ts";
import { type Clock, createManualClock, systemClock } from "../../kit/clock.ts";
import { Secret } from "../../kit/secret.ts";
import {
  type ControlPlane,
  changeAccount,
  context,
  makePayInput,
  makeRefundInput,
  makeStrangeKey,
  makeUuid,
} from "../conformance/harness.ts";
import { type ConformanceSubject, describeChannelConformance, describeCoverage } from "../conformance/index.ts";
import { ecPrivatePem } from "../conformance/keys.ts";
import { ask, payInFull, startPayment, useWorld } from "../conformance/subject.ts";
import type { ChannelAccount, PayInput } from "../contract.ts";
import { unionpay } from "./index.ts";

type Made = Record<string, string | undefined>;

async function provision(control: ControlPlane) {
  const made = (await control.post("merchants", { channel: "unionpay" })) as Made;
  const account: ChannelAccount = {
    id: makeUuid(),
    version: 1,
    livemode: false,
    config: {
      mer_id: made.mer_id,
      merchant_certificate: made.merchant_certificate_pem,
      root_certificate: made.root_certificate_pem,
      middle_certificates: [{ pem: made.middle_certificate_pem }],
      signer_name: made.signer_name,
      base_url: control.url,
    },
    secrets: { merchant_private_key: new Secret(made.merchant_private_key_pem!) },
  };
  return { account, merchant: made.mer_id! };
}

const troubles = {
  http_500: "http_status",
  system_error: "system_error",
  service_unavailable: "system_error",
  rate_limit: "rate_limited",
  bad_signature: "bad_signature",
  no_signature: "bad_signature",
  html: "unreadable",
  empty: "unreadable",
} as const;
const untruths = ["wrong_amount", "wrong_currency", "wrong_number", "wrong_merchant"];

const subject: ConformanceSubject = {
  title: "UnionPay",
  channel: unionpay,
  start: () => startSandbox({ port: 0 }),
  provision,
  renew(account, rotated) {
    const middles = account.config.middle_certificates as unknown[];
    const added = { pem: rotated.middle_certificate_pem };
    return changeAccount(account, { config: { middle_certificates: [added, ...middles] } });
  },
  relocate: (account, url) => changeAccount(account, { config: { base_url: url } }),
  privateKeyField: "merchant_private_key",
  method: "unionpay.qr",
  facts: {
    unseen: "not_found",
    closedTwice: "closed",
    refunded: "pending",
    refundUnderWay: "pending",
    notEnoughCode: "30",
    troubles,
    untruths,
    refundUntruths: untruths,
    refundWithoutOrder: true,
    barcode: {
      refusals: { expired: "86", invalid: "88", not_enough: "64" },
      troubles,
      untruths,
      acceptedFirst: true,
      declined: "failed",
      busy: false,
      cancelledAbsent: "not_found",
    },
    bills: {
      // UnionPay's day begins at 23:00 in Beijing, 15:00 UTC.
      dayOf: (at_ms) => new Date(at_ms + 9 * 3_600_000).toISOString().slice(0, 10),
      withinAnswer: true,
      // A doubled file is one whose lines are there twice: nothing in it says how many there are.
      spoilt: [
        [{ kind: "truncated" }, /BillRefused truncated/],
        [{ kind: "encoding" }, /BillRefused encoding/],
        [{ kind: "not_ready", seconds: 60 }, /not_ready/],
      ],
    },
    spoiltNotices: ["notice_tampered", "notice_bad_signature"],
  },
};

describeChannelConformance(subject);

describe("UnionPay's own ways", () => {
  const world = useWorld(subject);

  it("does not believe the state of another order, in an answer that says it is unpaid", async () => {
    const { account, caller, control } = world();
    const { input, code } = await startPayment(world(), subject);
    await control.post("pay", { code, outcome: "fail" });
    await ask(world(), subject, "query", "wrong_number");
    expect(await caller.query(unionpay, account, input)).toMatchObject({ kind: "unknown", reason: "integrity" });
  });

  it("signs the browser's form so that any change of it is refused", async () => {
    const { account, caller, control } = world();
    const input = makePayInput("unionpay.web", "https://shop.example/n");
    const outcome = await caller.pay(unionpay, account, input);
    if (outcome.kind !== "pending" || outcome.action.type !== "form") throw new Error("a form was expected");
    const { url, fields } = outcome.action;
    const codeOf = (changes: object) => `${url}?${new URLSearchParams({ ...fields, ...changes })}`;
    await expect(control.post("pay", { code: codeOf({ txnAmt: "1" }) })).rejects.toThrow("refuses");
    await control.post("pay", { code: codeOf({}), notify: false });
    expect(await caller.query(unionpay, account, input)).toMatchObject({ payment: { amount: input.amount } });
  });

  it("needs an address to come back to for its page", async () => {
    const { account, caller } = world();
    const input = makePayInput("unionpay.web", "https://shop.example/n", { return_url: undefined });
    expect(await caller.pay(unionpay, account, input)).toMatchObject({ kind: "failed" });
  });

  it("takes an order for the payer whom its app's authorization named", async () => {
    const { account, caller, control } = world();
    const back = await fetch(unionpay.identity!.authorizeUrl(account, "https://shop.example/c/1", "s"), {
      redirect: "manual",
    });
    // The browser shows a plus sign of the code as a blank.
    const code = new URL(back.headers.get("location")!).searchParams.get("userAuthCode")!.replaceAll("+", " ");
    const known = await caller.identify(unionpay, account, code);
    if (known.kind !== "identified") throw new Error("the payer was expected");
    const input = makePayInput("unionpay.jsapi", "https://shop.example/n", { payer: { user_id: known.payer } });
    const started = await caller.pay(unionpay, account, input);
    if (started.kind !== "pending" || started.action.type !== "redirect") throw new Error("an address was expected");
    await control.post("pay", { code: started.action.url, notify: false });
    expect(await caller.query(unionpay, account, input)).toMatchObject({ payment: { amount: input.amount } });
    const nobody = makePayInput("unionpay.jsapi", "https://shop.example/n", { payer: {} });
    expect(await caller.pay(unionpay, account, nobody)).toMatchObject({
      kind: "failed",
      failure: { code: "PAYER_USER_ID_REQUIRED" },
    });
  });

  it("keeps no more of the payer's card than its ends", async () => {
    const { account, caller } = world();
    const { input } = await payInFull(world(), subject);
    expect(await caller.query(unionpay, account, input)).toMatchObject({
      payment: { payer: expect.stringMatching(/^\d{6}\*{6}\d{4}$/) },
    });
  });

  it("tells of a refund by notice as the query does", async () => {
    const { account, caller, receiver } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    const refund = makeRefundInput(input, channel_trade_no, 500n);
    await caller.refund(unionpay, account, refund);
    const told = await unionpay.readNotice(context(account), await receiver.next(input.serial_no));
    const asked = await caller.queryRefund(unionpay, account, refund);
    if (told.kind !== "refund" || asked.kind !== "succeeded") throw new Error("two successes were expected");
    expect(told.refund).toEqual(asked.refund);
    expect(told.outcome).toEqual(asked);
  });

  it("does not take the query of another payment's refund for this one's", async () => {
    const { account, caller } = world();
    const [mine, other] = [await payInFull(world(), subject), await payInFull(world(), subject)];
    const refund = makeRefundInput(mine.input, mine.channel_trade_no, 500n);
    await caller.refund(unionpay, account, refund);
    const mistaken = { ...refund, attempt: { ...other.input, channel_trade_no: other.channel_trade_no } };
    expect(await caller.queryRefund(unionpay, account, mistaken)).toMatchObject({ reason: "integrity" });
  });

  it("undoes a whole payment on its day, and refunds a part, where the account says so", async () => {
    const { account, caller, control } = world();
    const undoing = changeAccount(account, { config: { same_day_refund: "undo" } });
    const typesOf = async (fen: bigint, changes: object) => {
      const { input, channel_trade_no } = await payInFull(world(), subject);
      const refund = makeRefundInput(input, channel_trade_no, fen, changes);
      expect(await caller.refund(unionpay, undoing, refund)).toEqual({ kind: "pending" });
      expect(await caller.queryRefund(unionpay, undoing, refund)).toMatchObject({ kind: "succeeded" });
      const { refunds } = await control.get(`trades/${input.serial_no}`);
      return (refunds as { type: string }[]).map(({ type }) => type);
    };
    expect(await typesOf(8_801n, {})).toEqual(["31"]);
    expect(await typesOf(8_800n, {})).toEqual(["04"]);
    expect(await typesOf(8_801n, { created_at: systemClock.now() + 86_400_000 })).toEqual(["04"]);
  });
});

describe("UnionPay's shown codes", () => {
  const world = useWorld(subject);

  async function begin(behaviour: string): Promise<PayInput> {
    const { control, receiver } = world();
    const { auth_code } = await control.post("auth_codes", { channel: "unionpay", behaviour });
    return makePayInput("unionpay.barcode", receiver.url, { payer: { auth_code: String(auth_code) } });
  }

  it("have one try: a payer who declines has failed, and one who confirms has paid", async () => {
    const { account, caller, control, receiver } = world();
    const [declines, confirms] = [await begin("confirm"), await begin("confirm")];
    for (const input of [declines, confirms]) await caller.pay(unionpay, account, input);
    await control.post("pay", { code: declines.serial_no, outcome: "fail" });
    await control.post("pay", { code: confirms.serial_no });
    expect(await caller.query(unionpay, account, declines)).toMatchObject({ kind: "failed", failure: { code: "64" } });
    const paid = await caller.query(unionpay, account, confirms);
    expect(paid).toMatchObject({ kind: "succeeded", payment: { amount: confirms.amount } });
    const notice = await unionpay.readNotice(context(account), await receiver.next(confirms.serial_no));
    expect(notice).toEqual({ kind: "payment_succeeded", payment: (paid as { payment: unknown }).payment });
  });

  it("that can no longer be reversed are asked about: the answer says that they were paid", async () => {
    const { account, caller, control } = world();
    const input = await begin("success");
    await caller.pay(unionpay, account, input);
    await control.post("clock", { advance: 86_400 });
    expect(await caller.cancel(unionpay, account, input)).toEqual({ kind: "already_paid" });
    expect(await caller.query(unionpay, account, input)).toMatchObject({ kind: "succeeded" });
    await control.post("clock", { reset: true });
    expect(await caller.cancel(unionpay, account, input)).toEqual({ kind: "closed" });
  });
});

describe("a UnionPay account as a person types it in", () => {
  const world = useWorld(subject);
  const problems = (changes: Parameters<typeof changeAccount>[1], clock: Clock = systemClock) =>
    unionpay.checkAccount(changeAccount(world().account, changes), clock).join("; ");

  it("says what is wrong with each field", async () => {
    const stranger = await provision(world().control);
    const middles = stranger.account.config.middle_certificates as { pem: string }[];
    const expected: [Parameters<typeof changeAccount>[1], string][] = [
      [{ secrets: { merchant_private_key: new Secret(ecPrivatePem) } }, "not an RSA private key"],
      [{ secrets: { merchant_private_key: makeStrangeKey() } }, "does not match merchant_certificate"],
      [{ config: { merchant_certificate: "x" } }, "merchant_certificate is not a certificate"],
      [{ config: { middle_certificates: [] } }, "config/middle_certificates"],
      [{ config: { root_certificate: middles[0]!.pem } }, "middle_certificates/0 was not issued by root_certificate"],
      [{ config: { mer_id: "short" } }, "config/mer_id"],
      [{ config: { base_url: "gateway.95516.com" } }, "config/base_url"],
    ];
    for (const [changes, sentence] of expected) expect(problems(changes)).toContain(sentence);
  });

  it("describes each field of its schema and its secrets, in both languages", () => {
    const described = unionpay.fields!.filter(({ secret }) => !secret).map(({ name }) => name);
    const { properties, required } = unionpay.configSchema as { properties?: object; required?: string[] };
    expect(described.toSorted()).toEqual(Object.keys(properties!).toSorted());
    expect(unionpay.fields!.filter((field) => field.required && !field.secret).map(({ name }) => name)).toEqual(
      required,
    );
    expect(unionpay.fields.filter(({ secret }) => secret).map(({ name }) => name)).toEqual(["merchant_private_key"]);
    for (const { label, hint } of unionpay.fields!)
      for (const text of [label, hint!]) expect(text.zh && text.en).toBeTruthy();
  });

  it("says when each certificate runs out, and counts them in no request", () => {
    const { account } = world();
    const expiries = unionpay.expiries!(account);
    expect(expiries.map(({ name }) => name.split("/")[0])).toEqual([
      "merchant_certificate",
      "root_certificate",
      "middle_certificates",
    ]);
    for (const { expires_at } of expiries) expect(expires_at).toBeGreaterThan(systemClock.now());
  });

  it("is tried by a question that moves nothing: connected, refused, or not known", async () => {
    const { account, caller, control } = world();
    const tried = (changed: ChannelAccount) => caller.run("check", changed, unionpay.checkConnection!, {});
    expect(await tried(account)).toEqual({ kind: "connected" });
    const strange = changeAccount(account, { secrets: { merchant_private_key: makeStrangeKey() } });
    expect(await tried(strange)).toMatchObject({ kind: "failed", failure: { code: "11", elsewhere: true } });
    const nobody = changeAccount(account, { config: { mer_id: "777290000000000" } });
    expect(await tried(nobody)).toMatchObject({ kind: "failed", failure: { code: "INVALID_REQUEST" } });
    const { account: other } = await provision(control);
    const root = changeAccount(account, { config: { middle_certificates: other.config.middle_certificates } });
    expect(await tried(root)).toMatchObject({ kind: "unknown", reason: "bad_signature" });
    for (const [fault, reason] of Object.entries(troubles)) {
      await ask(world(), subject, "query", fault);
      expect(await tried(account), fault).toMatchObject({ kind: "unknown", reason });
    }
  });

  it("says that a certificate has expired", () => {
    expect(problems({}, createManualClock(Date.UTC(2099, 0, 1)))).toContain("merchant_certificate expired at");
  });
});

describeCoverage(unionpay);
