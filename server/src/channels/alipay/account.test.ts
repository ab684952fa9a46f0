/**
 * Guarantee: an Alipay account that cannot work is refused with a sentence that names the field, a check of the
 * connection says which credential Alipay refuses, and nobody has to guess when a certificate ends.
 */
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type Clock, createManualClock, systemClock } from "../../kit/clock.ts";
import { Secret } from "../../kit/secret.ts";
import { changeAccount, makePayInput, makeStrangeKey } from "../conformance/harness.ts";
import { ecPrivatePem, merchantPair } from "../conformance/keys.ts";
import { useWorld } from "../conformance/subject.ts";
import type { ChannelAccount } from "../contract.ts";
import { alipay } from "./index.ts";
import { provision, subjectOf } from "./testing/subject.ts";

const shortPublicKey = generateKeyPairSync("rsa", { modulusLength: 1024 })
  .publicKey.export({ type: "spki", format: "pem" })
  .toString();

describe("an Alipay account as a person types it in", () => {
  const world = useWorld(subjectOf("certificate"));
  const problems = (changes: Parameters<typeof changeAccount>[1], clock: Clock = systemClock) =>
    alipay.checkAccount(changeAccount(world().account, changes), clock).join("; ");

  it("says what is wrong with each field", () => {
    const ownKey = { mode: "key", alipay_public_keys: [merchantPair.public_bare] };
    const expected: [Parameters<typeof changeAccount>[1], string][] = [
      [
        { config: ownKey, secrets: { app_private_key: new Secret(merchantPair.private_bare) } },
        "the app's own public key",
      ],
      [{ config: { mode: "key" } }, "alipay_public_keys is needed in key mode"],
      [{ config: { mode: "key", alipay_public_keys: ["x"] } }, "alipay_public_keys/0 is not an RSA public key"],
      [{ secrets: { app_private_key: new Secret(ecPrivatePem) } }, "app_private_key is not an RSA private key"],
      [
        { secrets: { app_private_key: new Secret(merchantPair.pkcs1_pem) } },
        "app_private_key does not match app_certificate",
      ],
      [{ config: { alipay_certificates: [] } }, "are needed in certificate mode"],
      [{ config: { app_certificate: "x" } }, "app_certificate is not a certificate"],
      [{ config: { alipay_root_certificate: "x" } }, "alipay_root_certificate is not a list of certificates"],
      [{ config: { gateway: "openapi.alipay.com" } }, "config/gateway"],
      [{ config: { app_id: "2088102146225135" } }, "app_id must be an application's 16 digits"],
      [{ config: { seller_id: "2021000000000001" } }, "seller_id must be 16 digits that begin with 2088"],
      [
        { config: { mode: "key", alipay_public_keys: [shortPublicKey] } },
        "alipay_public_keys/0 is not an RSA public key: the key has 1024 bits",
      ],
    ];
    for (const [changes, sentence] of expected) expect(problems(changes)).toContain(sentence);
  });

  it("says that a certificate has expired", () => {
    expect(problems({}, createManualClock(Date.UTC(2099, 0, 1)))).toContain("app_certificate expired at");
  });
});

describe("certificates that were mixed up", () => {
  const world = useWorld(subjectOf("certificate"));

  it("are told apart: the application's own does not stand for Alipay's, nor Alipay's for the application's", () => {
    const { account } = world();
    const { app_certificate, alipay_certificates } = account.config as Record<string, string[]>;
    const problems = (config: Record<string, unknown>) =>
      alipay.checkAccount(changeAccount(account, { config }), systemClock).join("; ");
    expect(problems({ alipay_certificates: [app_certificate] })).toContain("alipay_certificates/0 is the app's own");
    expect(problems({ app_certificate: alipay_certificates![0] })).toContain("app_private_key does not match");
  });
});

describe("the fields of an account", () => {
  const world = useWorld(subjectOf("key"));
  const fields = alipay.fields ?? [];

  it("name everything that config and secrets may hold, once, in Chinese and English", () => {
    const { properties } = alipay.configSchema as unknown as { properties: object };
    const secrets = alipay.fields.filter(({ secret }) => secret).map(({ name }) => name);
    expect(fields.map(({ name }) => name).sort()).toEqual([...Object.keys(properties), ...secrets].sort());
    for (const { label, hint } of fields) {
      for (const text of hint ? [label, hint] : [label]) {
        expect([/[\u4e00-\u9fff]/.test(text.zh), /[\u4e00-\u9fff]/.test(text.en)]).toEqual([true, false]);
      }
    }
  });

  it("require what no account can do without, and offer every mode", () => {
    const { app_private_key: _, ...rest } = world().account.secrets;
    expect(alipay.checkAccount({ ...world().account, secrets: rest }, systemClock)).not.toEqual([]);
    const required = fields.filter((field) => field.required).map(({ name }) => name);
    expect(required).toEqual(["app_id", "seller_id", "mode", "app_private_key"]);
    expect(fields.find(({ name }) => name === "mode")?.choices?.map(({ value }) => value)).toEqual([
      "key",
      "certificate",
    ]);
  });
});

describe("the ends of certificates", () => {
  const world = useWorld(subjectOf("certificate"));

  it("are told of the application's and of each of Alipay's, and of no key", async () => {
    const { account, control } = world();
    const [own, theirs] = alipay.expiries!(account);
    expect([own?.name, theirs?.name]).toEqual(["app_certificate", "alipay_certificates/0"]);
    // The sandbox issues for five years.
    expect((own!.expires_at - systemClock.now()) / (365 * 86_400_000)).toBeCloseTo(5, 1);
    expect(alipay.expiries!((await provision(control, "key")).account)).toEqual([]);
  });
});

describe.each(["key", "certificate", "isv"] as const)("a check of the connection, %s", (mode) => {
  const world = useWorld(subjectOf(mode));
  const check = (account: ChannelAccount) => world().caller.run("check", account, alipay.checkConnection!, {});

  it("connects with a good account, and leaves nothing behind", async () => {
    expect(await check(world().account)).toEqual({ kind: "connected" });
    expect(await world().control.get("trades")).toEqual({ data: [] });
  });

  it("says that the application is not known, or that its key is another", async () => {
    const { account } = world();
    const strangerApp = changeAccount(account, { config: { app_id: "2021999999999999" } });
    expect(await check(strangerApp)).toMatchObject({
      kind: "failed",
      failure: { code: "isv.invalid-app-id", message: expect.stringContaining("app_id is not known") },
    });
    const strangerKey = changeAccount(account, { secrets: { app_private_key: makeStrangeKey() } });
    expect(await check(strangerKey)).toMatchObject({
      kind: "failed",
      failure: { code: "isv.invalid-signature", message: expect.stringContaining("app_private_key does not match") },
    });
  });

  it("does not know when the answer is signed by a key that the account does not hold, and names the field", async () => {
    const { account, control } = world();
    const other = (await provision(control, mode)).account.config;
    const { alipay_public_keys, alipay_certificates } = other;
    const foreign = changeAccount(account, {
      config: mode === "key" ? { alipay_public_keys } : { alipay_certificates },
    });
    expect(await check(foreign)).toMatchObject({
      kind: "unknown",
      reason: "bad_signature",
      detail: expect.stringMatching(/alipay_(public_keys|certificates) may not be Alipay's/),
    });
  });

  it("does not know while Alipay is out of order", async () => {
    const { account, control, merchant } = world();
    await control.post("faults", { channel: "alipay", operation: "query", fault: "service_unavailable", merchant });
    expect(await check(account)).toMatchObject({ kind: "unknown", reason: "system_error" });
  });
});

describe("a certificate that has expired", () => {
  const world = useWorld(subjectOf("certificate"));

  it("is refused by Alipay: the check says which, and an order may go to another account", async () => {
    const { account, caller, control } = world();
    await control.post("clock", { advance: 5 * 366 * 86_400 });
    expect(await caller.run("check", account, alipay.checkConnection!, {})).toMatchObject({
      kind: "failed",
      failure: { code: "isv.app-cert-expired", message: expect.stringContaining("app_certificate has expired") },
    });
    const outcome = await caller.pay(alipay, account, makePayInput("alipay.qr", "https://shop.example/n"));
    expect(outcome).toMatchObject({ kind: "failed", failure: { code: "isv.app-cert-expired", elsewhere: true } });
    await control.post("clock", { reset: true });
  });
});

describe("a service provider's account", () => {
  const world = useWorld(subjectOf("isv"));
  const check = (account: ChannelAccount) => world().caller.run("check", account, alipay.checkConnection!, {});
  const withToken = (token: string) =>
    changeAccount(world().account, { secrets: { app_auth_token: new Secret(token) } });

  it("needs token and merchant's application together, and not its own for the merchant's", () => {
    const { account } = world();
    const { app_auth_token: _, ...rest } = account.secrets;
    const { auth_app_id: __, ...config } = account.config;
    const problems = (changed: ChannelAccount) => alipay.checkAccount(changed, systemClock).join("; ");
    expect(problems({ ...account, secrets: rest })).toBe("auth_app_id needs the secret app_auth_token");
    expect(problems({ ...account, config })).toContain("app_auth_token needs auth_app_id");
    const own = changeAccount(account, { config: { auth_app_id: account.config.app_id } });
    expect(problems(own)).toContain("auth_app_id must be the merchant's application");
    expect(problems(withToken("two\nlines"))).toBe("app_auth_token is not one line of letters and digits");
  });

  it("is refused with the token's fault when the token is unknown or missing, and shows nothing of it", async () => {
    const outcome = await check(withToken("201712BBD0804adb2e743078d1822d536956X34"));
    expect(outcome).toMatchObject({
      kind: "failed",
      failure: { code: "aop.invalid-app-auth-token", message: expect.stringContaining("app_auth_token is not one") },
    });
    const { app_auth_token: _, ...rest } = world().account.secrets;
    expect(await check({ ...changeAccount(world().account, {}), secrets: rest })).toMatchObject({
      failure: { code: "isv.self-invoke-forbidden", message: expect.stringContaining("app_auth_token is missing") },
    });
  });

  it("is refused when the token is another merchant's than the account says", async () => {
    const other = changeAccount(world().account, { config: { seller_id: "2088999999999999" } });
    expect(await check(other)).toMatchObject({
      failure: { code: "APP_AUTH_TOKEN_OF_ANOTHER", message: expect.stringContaining("seller_id is 2088999999999999") },
    });
  });

  it("never shows its token in a refusal that quotes the request", async () => {
    const strangerKey = changeAccount(world().account, { secrets: { app_private_key: makeStrangeKey() } });
    const outcome = await check(strangerKey);
    expect(outcome).toMatchObject({ kind: "failed", failure: { code: "isv.invalid-signature" } });
    expect(JSON.stringify(outcome)).toContain("网关生成的验签字符串为：…");
    expect(JSON.stringify(outcome)).not.toContain(world().account.secrets.app_auth_token!.reveal());
    expect(JSON.stringify(outcome)).not.toContain("biz_content");
  });

  it("is refused once the merchant takes the token back: the order failed, and another account may take it", async () => {
    const { account, merchant, key_holder } = await provision(world().control, "isv");
    await world().control.post("merchants", { channel: "alipay", app_id: merchant, revokes: key_holder });
    const outcome = await world().caller.pay(alipay, account, makePayInput("alipay.qr", "https://shop.example/n"));
    expect(outcome).toMatchObject({ kind: "failed", failure: { code: "aop.invalid-app-auth-token", elsewhere: true } });
  });
});
