/**
 * Guarantee: the WeChat Pay adapter speaks API v3 as the channel does, and however the channel or the network behaves,
 * only what WeChat Pay signed about our own order ends a payment or a refund. In all three key modes, for a direct merchant
 * and for a service provider.
 */
import { verify, X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { startSandbox } from "../../../../sandbox/main.ts";
import { type Clock, createManualClock, systemClock } from "../../kit/clock.ts";
import { Secret } from "../../kit/secret.ts";
import { changeAccount, context, makePayInput, makeRefundInput } from "../conformance/harness.ts";
import { type ConformanceSubject, describeChannelConformance, describeCoverage } from "../conformance/index.ts";
import { ecPrivatePem } from "../conformance/keys.ts";
import { ask, payInFull, useWorld } from "../conformance/subject.ts";
import type { ChannelAccount, Method, Operation, PayInput, PayOutcome } from "../contract.ts";
import { checkIntegrity, checkRefundIntegrity, expectPayment } from "../integrity.ts";
import { certificates, wechat } from "./index.ts";
import { barcodeApis, keysOf, type Made, provisionWechat, type VerifyMode } from "./testing/provision.ts";

/** Old and new keys side by side, as during WeChat's own rotation. */
function renew(account: ChannelAccount, rotated: Record<string, unknown>): ChannelAccount {
  const fresh = keysOf(rotated as Made) as Record<string, unknown[]>;
  const config = { ...account.config } as Record<string, unknown>;
  for (const [name, added] of Object.entries(fresh)) config[name] = [...added, ...((config[name] as unknown[]) ?? [])];
  return changeAccount(account, { config });
}

const troubles = {
  http_500: "http_status",
  system_error: "system_error",
  rate_limit: "rate_limited",
  bad_signature: "bad_signature",
  no_signature: "bad_signature",
  html: "bad_signature",
  empty: "bad_signature",
} as const;

const subjectOf = (mode: VerifyMode, kind: "direct" | "partner" = "direct"): ConformanceSubject => ({
  title: `WeChat Pay, ${kind}, ${mode}`,
  channel: wechat,
  start: () => startSandbox({ port: 0 }),
  provision: (control) => provisionWechat(control, mode, { mode: kind }),
  renew,
  relocate: (account, url) => changeAccount(account, { config: { base_url: url } }),
  privateKeyField: "merchant_private_key",
  method: "wechat.native",
  facts: {
    unseen: "pending",
    closedTwice: "closed",
    refunded: "pending",
    refundUnderWay: "pending",
    notEnoughCode: "NOT_ENOUGH",
    troubles,
    untruths: ["wrong_amount", "wrong_currency", "wrong_number", "wrong_merchant"],
    refundUntruths: ["wrong_amount", "wrong_currency", "wrong_number"],
    barcode: {
      refusals: { expired: "AUTHCODEEXPIRE", invalid: "AUTH_CODE_INVALID", not_enough: "NOTENOUGH" },
      troubles:
        barcodeApis[mode] === "v3"
          ? troubles
          : { ...troubles, rate_limit: "rate_limited", html: "unreadable", empty: "unreadable" },
      untruths: ["wrong_amount", "wrong_currency", "wrong_number", "wrong_merchant"],
      declined: "failed",
      busy: true,
      cancelledAbsent: "not_found",
    },
    bills: {
      dayOf: (at_ms) => new Date(at_ms + 8 * 3_600_000).toISOString().slice(0, 10),
      spoilt: [
        [{ kind: "truncated" }, /BillRefused truncated/],
        [{ kind: "doubled" }, /BillRefused doubled/],
        [{ kind: "encoding" }, /BillRefused encoding/],
        [{ kind: "summary", by: 1 }, /BillRefused sum_differs/],
        [{ kind: "hash" }, /unknown.+integrity/],
        [{ kind: "not_ready", seconds: 60 }, /not_ready|PARAM_ERROR/],
      ],
    },
    identityUnsigned: true,
    spoiltNotices: [
      "notice_tampered",
      "notice_bad_signature",
      "notice_rewritten",
      "notice_stale_timestamp",
      "notice_signtest",
    ],
  },
});

describeChannelConformance(subjectOf("platform_certificate"));
describeChannelConformance(subjectOf("public_key"));
describeChannelConformance(subjectOf("platform_certificate", "partner"));
describeChannelConformance(subjectOf("public_key", "partner"));

describe("WeChat Pay's own ways", () => {
  const both = subjectOf("both");
  const world = useWorld(both);

  it("passes notices signed by certificate or by public key while a merchant migrates", async () => {
    const { account, control, receiver } = world();
    const serials = new Set<string | undefined>();
    for (let count = 0; count < 40 && serials.size < 2; count += 1) {
      const { input } = await payInFull(world(), both);
      await control.post("notices/replay", { trade: input.serial_no });
      const notice = await receiver.next(input.serial_no);
      expect((await wechat.readNotice(context(account), notice)).kind).toBe("payment_succeeded");
      serials.add(notice.headers["wechatpay-serial"]);
    }
    expect(serials.size).toBe(2);
  });

  it("keeps an ABNORMAL refund pending and says that a person must act; the notice says the same", async () => {
    const { account, caller, receiver } = world();
    const { input, channel_trade_no } = await payInFull(world(), both);
    await ask(world(), both, "refund", "refund_abnormal");
    const refund = makeRefundInput(input, channel_trade_no, 100n);
    expect(await caller.refund(wechat, account, refund)).toEqual({ kind: "pending" });
    expect(await wechat.readNotice(context(account), await receiver.next(input.serial_no))).toMatchObject({
      kind: "refund",
      outcome: { kind: "pending", detail: expect.stringContaining("ABNORMAL") },
    });
    expect(await caller.queryRefund(wechat, account, refund)).toMatchObject({ kind: "pending" });
  });

  it("reads refund notices with the refund's own number and amount, and refuses another merchant's", async () => {
    const { account, caller, receiver, control } = world();
    const { input, channel_trade_no } = await payInFull(world(), both);
    const refund = makeRefundInput(input, channel_trade_no, 100n);
    await caller.refund(wechat, account, refund);
    const result = await wechat.readNotice(context(account), await receiver.next(input.serial_no));
    if (result.kind !== "refund") throw new Error("a refund notice was expected");
    const expected = { refund_no: refund.refund_no, serial_no: input.serial_no, amount: refund.amount };
    expect(checkRefundIntegrity(expected, result.refund)).toEqual([]);
    expect(result.outcome.kind).toBe("succeeded");
    await control.post("notices/replay", { trade: input.serial_no, mutate: "notice_wrong_merchant" });
    const kinds = [await receiver.next(input.serial_no), await receiver.next(input.serial_no)].map((notice) =>
      wechat.readNotice(context(account), notice),
    );
    const refused = (await Promise.all(kinds)).map((read) => read.kind);
    expect(refused.sort()).toEqual(["payment_succeeded", "rejected"]);
  });

  it("asks by either number", async () => {
    const { account, caller } = world();
    const { input, channel_trade_no } = await payInFull(world(), both);
    const byOurs = await caller.query(wechat, account, input);
    expect(byOurs).toMatchObject({ kind: "succeeded", payment: { channel_trade_no } });
    expect(await caller.query(wechat, account, { ...input, channel_trade_no })).toEqual(byOurs);
    const another = await payInFull(world(), both);
    const mixed = { ...input, channel_trade_no: another.channel_trade_no };
    expect(await caller.query(wechat, account, mixed)).toMatchObject({ kind: "unknown", reason: "integrity" });
  });

  it("fetches the platform certificates, also when only they can prove the answer", async () => {
    const { account, caller, merchant, control } = world();
    await control.post("keys/rotate", { channel: "wechat", merchant });
    const asked = changeAccount(account, { config: { wechatpay_serial: "no-such-serial" } });
    const outcome = await caller.run("wechat.certificates", asked, certificates, {});
    if (outcome.kind !== "certificates") throw new Error(`certificates were expected, not ${JSON.stringify(outcome)}`);
    expect(outcome.certificates).toHaveLength(2);
    for (const fault of ["bad_signature", "no_signature"]) {
      await ask(world(), both, "certificates", fault);
      const spoilt = await caller.run("wechat.certificates", asked, certificates, {});
      expect(spoilt).toMatchObject({ kind: "unknown", reason: "bad_signature" });
    }
  });

  it("says that a merchant with public keys only has no certificates", async () => {
    const { control, caller } = world();
    const { account } = await provisionWechat(control, "public_key");
    expect(await caller.run("wechat.certificates", account, certificates, {})).toMatchObject({ kind: "failed" });
  });

  it("fails before anything is sent when the payer's openid or address is missing", async () => {
    const { account, caller } = world();
    for (const [method, code] of [
      ["wechat.jsapi", "PAYER_OPENID_REQUIRED"],
      ["wechat.mini", "PAYER_OPENID_REQUIRED"],
      ["wechat.h5", "PAYER_IP_REQUIRED"],
    ] as const) {
      const input = makePayInput(method, "https://shop.example/n", { payer: {} });
      expect(await caller.pay(wechat, account, input)).toMatchObject({ kind: "failed", failure: { code } });
      expect(await caller.query(wechat, account, input)).toEqual({ kind: "not_found" });
    }
  });

  it("hands parameters to WeChat's browser that it accepts, and only unchanged", async () => {
    const { account, caller, control, receiver } = world();
    const outcome = await caller.pay(wechat, account, makePayInput("wechat.jsapi", receiver.url));
    if (outcome.kind !== "pending" || outcome.action.type !== "jsapi") throw new Error("parameters were expected");
    const { parameters } = outcome.action;
    const invoke = async (handed: Record<string, string>) => {
      const answer = await fetch(`${control.url}/wechat/jsapi/invoke`, {
        method: "POST",
        body: JSON.stringify(handed),
      });
      return ((await answer.json()) as { err_msg: string }).err_msg;
    };
    expect(await invoke(parameters)).toBe("get_brand_wcpay_request:open");
    expect(await invoke({ ...parameters, nonceStr: "another" })).toBe("get_brand_wcpay_request:fail");
  });

  it("signs the parameters of an app over the bare prepay_id, and those of a mini program under its own appid", async () => {
    const { account, caller, control, receiver } = world();
    const { app_appid, mini_appid, mchid } = account.config;
    const app = await caller.pay(wechat, account, makePayInput("wechat.app", receiver.url));
    if (app.kind !== "pending" || app.action.type !== "app" || !("parameters" in app.action)) throw new Error("an app");
    const { appid, timestamp, noncestr, prepayid, sign, ...rest } = app.action.parameters;
    expect([appid, rest]).toEqual([app_appid, { partnerid: mchid, package: "Sign=WXPay" }]);
    const { publicKey } = new X509Certificate(
      ((await control.get("merchants")).data as Made[]).find((made) => made.mchid === mchid)!.merchant_certificate_pem!,
    );
    const text = `${appid}\n${timestamp}\n${noncestr}\n${prepayid}\n`;
    expect(verify("sha256", Buffer.from(text), publicKey, Buffer.from(sign!, "base64"))).toBe(true);

    const mini = await caller.pay(wechat, account, makePayInput("wechat.mini", receiver.url));
    if (mini.kind !== "pending" || mini.action.type !== "jsapi") throw new Error("parameters were expected");
    expect(mini.action.parameters.appId).toBe(mini_appid);
    const body = JSON.stringify(mini.action.parameters);
    const opened = await fetch(`${control.url}/wechat/jsapi/invoke`, { method: "POST", body });
    expect(await opened.json()).toMatchObject({ err_msg: "get_brand_wcpay_request:open" });
  });

  it("takes no code without what a reversal needs, and says what is missing", async () => {
    const { account, caller } = world();
    const { api_v2_key: _, ...secrets } = account.secrets;
    const bare = { ...changeAccount(account, {}), secrets };
    expect(wechat.checkAccount(bare, systemClock)).toEqual(["api_v2_key is missing: barcode_api v2 needs it"]);
    const payer = { auth_code: "130000000000000000" };
    expect(
      await caller.pay(wechat, bare, makePayInput("wechat.barcode", "https://shop.example/n", { payer })),
    ).toMatchObject({ kind: "failed", failure: { code: "API_V2_NOT_CONFIGURED" } });
  });

  it("fails before anything is sent when the account has no appid for the method", async () => {
    const { account, caller, receiver } = world();
    const { mini_appid: _, ...config } = account.config;
    const bare = { ...changeAccount(account, {}), config };
    expect(await caller.pay(wechat, bare, makePayInput("wechat.mini", receiver.url))).toMatchObject({
      kind: "failed",
      failure: { code: "APPID_NOT_CONFIGURED" },
    });
  });

  it("cuts a long subject without breaking a character", async () => {
    const { account, caller } = world();
    const input = makePayInput("wechat.native", "https://shop.example/n", { subject: `x${"🥮".repeat(100)}` });
    expect(await caller.pay(wechat, account, input)).toMatchObject({ kind: "pending" });
  });
});

describe("a WeChat Pay account of a service provider", () => {
  const partner = subjectOf("public_key", "partner");
  const world = useWorld(partner);
  const bodyOf = async (method: Method, changes: Record<string, unknown>) => {
    const account = changeAccount(world().account, { config: changes });
    const { body } = await (wechat.pay[method] as Operation<PayInput, PayOutcome>).toRequest(
      context(account),
      makePayInput(method, "https://shop.example/n"),
    );
    return JSON.parse(body!) as Record<string, unknown>;
  };

  it("has payers act under the sub-merchant's app where it has one, else under the provider's", async () => {
    const { config } = world().account;
    const { appid, mini_appid, sub_mchid, sub_appid, sub_mini_appid } = config;
    const numbers = { sp_mchid: config.mchid, sub_mchid };
    expect(await bodyOf("wechat.jsapi", {})).toMatchObject({
      ...numbers,
      sp_appid: appid,
      sub_appid,
      payer: { sub_openid: "o-payer" },
    });
    expect(await bodyOf("wechat.mini", {})).toMatchObject({ sp_appid: appid, sub_appid: sub_mini_appid });
    const own = await bodyOf("wechat.mini", { sub_mini_appid: undefined });
    expect(own).toMatchObject({ ...numbers, sp_appid: mini_appid, payer: { sp_openid: "o-payer" } });
    expect(own).not.toHaveProperty("sub_appid");
  });

  it("pays under either app, and hands parameters of that app to WeChat's browser", async () => {
    const { account, caller, control, receiver } = world();
    for (const changes of [{}, { sub_appid: undefined }]) {
      const changed = changeAccount(account, { config: changes });
      const input = makePayInput("wechat.jsapi", receiver.url);
      const outcome = await caller.pay(wechat, changed, input);
      if (outcome.kind !== "pending" || outcome.action.type !== "jsapi") throw new Error("parameters were expected");
      const invoked = await fetch(`${control.url}/wechat/jsapi/invoke`, {
        method: "POST",
        body: JSON.stringify(outcome.action.parameters),
      });
      expect(await invoked.json()).toMatchObject({ err_msg: "get_brand_wcpay_request:open" });
      await control.post("pay", { code: input.serial_no });
      const { app } = wechat.identify(changed, "wechat.jsapi");
      expect(await caller.query(wechat, changed, input)).toMatchObject({ kind: "succeeded", payment: { app } });
      const notice = await wechat.readNotice(context(changed), await receiver.next(input.serial_no));
      expect(notice).toMatchObject({ kind: "payment_succeeded", payment: { merchant: account.config.sub_mchid, app } });
    }
  });

  it("names the sub-merchant to an app's SDK", async () => {
    const { account, caller, receiver } = world();
    const app = await caller.pay(wechat, account, makePayInput("wechat.app", receiver.url));
    const { sub_mchid, sub_app_appid } = account.config;
    expect(app).toMatchObject({ action: { parameters: { appid: sub_app_appid, partnerid: sub_mchid } } });
  });

  it("refuses notices that are another provider's, another sub-merchant's, or a direct merchant's", async () => {
    const { account, receiver, control } = world();
    const { input } = await payInFull(world(), partner);
    await control.post("notices/replay", { trade: input.serial_no });
    const notice = await receiver.next(input.serial_no);
    const read = async (config: Record<string, unknown>) =>
      (await wechat.readNotice(context(changeAccount(account, { config })), notice)).kind;
    expect(await read({})).toBe("payment_succeeded");
    expect(await read({ mchid: "1999999999" })).toBe("rejected");
    expect(await read({ sub_mchid: undefined, sub_appid: undefined })).toBe("rejected");
    const other = await wechat.readNotice(context(account), notice);
    if (other.kind !== "payment_succeeded") throw new Error("a payment was expected");
    const stranger = changeAccount(account, { config: { sub_mchid: "1799999999" } });
    expect(checkIntegrity(expectPayment(wechat, stranger, input), other.payment).join()).toContain("merchant is");
  });
});

describe("a WeChat Pay account as a person types it in", () => {
  const world = useWorld(subjectOf("both"));
  const problems = (changes: Parameters<typeof changeAccount>[1], clock: Clock = systemClock) =>
    wechat.checkAccount(changeAccount(world().account, changes), clock).join("; ");

  it("says what is wrong with each field", () => {
    const { config } = world().account;
    const [certificate] = config.platform_certificates as { serial_no: string; pem: string }[];
    const expected: [Parameters<typeof changeAccount>[1], string][] = [
      [{ secrets: { api_v3_key: new Secret("short") } }, "api_v3_key must be 32 bytes long; it is 5"],
      [
        { secrets: { merchant_private_key: new Secret(ecPrivatePem) } },
        "merchant_private_key is not an RSA private key",
      ],
      [{ config: { platform_certificates: [], public_keys: [] } }, "platform_certificates or public_keys is needed"],
      [{ config: { platform_certificates: [{ ...certificate, serial_no: "AA" }] } }, "has the serial number"],
      [{ config: { platform_certificates: [{ ...certificate, pem: "x" }] } }, "is not a certificate"],
      [{ config: { public_keys: [{ id: "PUB_KEY_ID_1", pem: "x" }] } }, "public key PUB_KEY_ID_1 is not"],
      [{ secrets: { api_v2_key: new Secret("short") } }, "api_v2_key must be 32 bytes long; it is 5"],
      [{ config: { merchant_certificate: undefined } }, "merchant_certificate is missing"],
      [{ config: { barcode_api: "v1" } }, "config/barcode_api"],
      [{ config: { wechatpay_serial: "AA" } }, "wechatpay_serial names neither"],
      [{ config: { merchant_certificate: certificate!.pem } }, "merchant_private_key does not match"],
      [{ config: { merchant_certificate: "x" } }, "merchant_certificate is not a certificate"],
      [{ config: { mchid: 16 } }, "config/mchid"],
      [{ config: { sub_mchid: config.mchid } }, "sub_mchid is the mchid itself"],
      [{ config: { sub_appid: "wx1" } }, "sub_mchid is missing"],
    ];
    for (const [changes, sentence] of expected) expect(problems(changes)).toContain(sentence);
  });

  it("says that a platform certificate has expired, or is not valid yet", () => {
    expect(problems({}, createManualClock(Date.UTC(2099, 0, 1)))).toContain("expired at");
    expect(problems({}, createManualClock(0))).toContain("is not valid before");
  });
});

describeCoverage(wechat);
