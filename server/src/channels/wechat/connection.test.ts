/**
 * Guarantee: the check of an account's connection succeeds when WeChat Pay knows the account, and otherwise says which
 * credential it refuses; keys of WeChat Pay are renewed and migrated without a gap; every field of an account is described; and what expires is told in time.
 */
import { describe, expect, it } from "vitest";
import { startSandbox } from "../../../../sandbox/main.ts";
import { systemClock } from "../../kit/clock.ts";
import { Secret } from "../../kit/secret.ts";
import { changeAccount, context, createControlPlane, makePayInput, makeStrangeKey } from "../conformance/harness.ts";
import { useWorld } from "../conformance/subject.ts";
import type { ChannelAccount } from "../contract.ts";
import { wechatConfigSchema } from "./config.ts";
import { wechat } from "./index.ts";
import { keysOf, type Made, provisionWechat } from "./testing/provision.ts";

const world = useWorld({
  start: () => startSandbox({ port: 0 }),
  provision: (control) => provisionWechat(control, "both"),
});
const check = (account: ChannelAccount) => world().caller.run("wechat.check", account, wechat.checkConnection!, {});

describe("checking the connection", () => {
  it.each(["platform_certificate", "public_key", "both"] as const)("connects, %s", async (mode) => {
    const { account } = await provisionWechat(world().control, mode);
    expect(await check(account)).toEqual({ kind: "connected" });
  });

  it("says which credential the channel refuses", async () => {
    const { account } = await provisionWechat(world().control, "platform_certificate");
    const another = (await provisionWechat(world().control, "platform_certificate")).account;
    const expected: [Parameters<typeof changeAccount>[1], string][] = [
      [{ secrets: { merchant_private_key: makeStrangeKey() } }, "SIGN_ERROR"],
      [{ config: { merchant_serial_no: "AABBCCDD00" } }, "SIGN_ERROR"],
      [{ config: { mchid: "1999999999" } }, "SIGN_ERROR"],
      [{ secrets: { api_v3_key: new Secret("x".repeat(32)) } }, "API_V3_KEY_WRONG"],
      [{ config: { platform_certificates: another.config.platform_certificates } }, "PLATFORM_CERTIFICATE_NOT_HELD"],
    ];
    for (const [changes, code] of expected) {
      expect(await check(changeAccount(account, changes))).toMatchObject({ kind: "failed", failure: { code } });
    }
  });

  it("does not know when the channel is out of reach", async () => {
    const nowhere = changeAccount(world().account, { config: { base_url: "http://127.0.0.1:1" } });
    expect(await check(nowhere)).toMatchObject({ kind: "unknown", reason: "connection" });
  });
});

describe("renewing platform certificates", () => {
  const certificatesOf = ({ config }: Pick<ChannelAccount, "config">) =>
    config.platform_certificates as { serial_no: string; pem: string }[];

  it("adds the new one, keeps those that are good or that requests name, and lets go of an expired one", async () => {
    const { control, caller } = world();
    const past = await startSandbox({ port: 0, now: () => Date.UTC(2015, 0, 1) });
    const old = [1, 2].map(() => provisionWechat(createControlPlane(past.url), "platform_certificate"));
    const [gone, named] = (await Promise.all(old)).flatMap(({ account }) => certificatesOf(account));
    await past.close();
    const { account, merchant } = await provisionWechat(control, "platform_certificate");
    const [held] = certificatesOf(account);
    const config = { platform_certificates: [held, gone, named], wechatpay_serial: named!.serial_no };
    const changed = changeAccount(account, { config });
    const renew = () => caller.run("wechat.renew_keys", changed, wechat.keyRenewal!.fetch, {});
    expect(await renew()).toEqual({ kind: "unchanged" });
    const { platform_serial_no } = await control.post("keys/rotate", { channel: "wechat", merchant });
    const renewed = await renew();
    if (renewed.kind !== "renewed") throw new Error(JSON.stringify(renewed));
    const serials = certificatesOf(renewed).map(({ serial_no }) => serial_no);
    expect(serials).toEqual([platform_serial_no, held!.serial_no, named!.serial_no]);
  });

  it("has nothing to do for an account with public keys alone", async () => {
    const { account } = await provisionWechat(world().control, "public_key");
    const outcome = await world().caller.run("wechat.renew_keys", account, wechat.keyRenewal!.fetch, {});
    expect(outcome).toEqual({ kind: "unchanged" });
  });
});

describe("migrating from certificates to the public key", () => {
  it("goes on at every step: certificate, both, public key", async () => {
    const { control, caller, receiver } = world();
    const { account, merchant } = await provisionWechat(control, "platform_certificate");
    const portal = (verify_mode: string) =>
      control.post("merchants", { channel: "wechat", mchid: merchant, verify_mode }) as Promise<Made>;
    const pays = async (config: Record<string, unknown>) => {
      const changed = changeAccount(account, { config });
      expect(wechat.checkAccount(changed, systemClock)).toEqual([]);
      const input = makePayInput("wechat.native", receiver.url);
      const outcome = await caller.pay(wechat, changed, input);
      if (outcome.kind !== "pending") return outcome.kind;
      await control.post("pay", { code: input.serial_no });
      const notice = await wechat.readNotice(context(changed), await receiver.next(input.serial_no));
      return [notice.kind, (await caller.query(wechat, changed, input)).kind];
    };
    const good = ["payment_succeeded", "succeeded"];
    const { platform_certificates } = account.config;
    expect(await pays({ platform_certificates })).toEqual(good);
    const { public_keys } = keysOf(await portal("both"));
    // WeChat Pay knows the public key already; the account learns it before it asks for answers signed by it.
    const wechatpay_serial = certificatesSerial(platform_certificates);
    for (let time = 0; time < 4; time += 1) {
      expect(await pays({ platform_certificates, public_keys, wechatpay_serial })).toEqual(good);
      expect(await pays({ platform_certificates, public_keys })).toEqual(good);
    }
    await portal("public_key");
    expect(await pays({ platform_certificates, public_keys })).toEqual(good);
    expect(await pays({ platform_certificates: undefined, public_keys })).toEqual(good);
    expect(await pays({ platform_certificates })).toBe("unknown");
  });
});

const certificatesSerial = (certificates: unknown) => (certificates as { serial_no: string }[])[0]!.serial_no;

describe("describing an account", () => {
  it("has a field, with labels in both languages, for everything that an account may have", () => {
    const fields = wechat.fields!;
    const named = fields.filter(({ secret }) => !secret).map(({ name }) => name);
    expect(named.sort()).toEqual(Object.keys(wechatConfigSchema.properties).sort());
    for (const { label, input, choices, items } of fields) {
      expect([label.zh, label.en].every((words) => words.length > 0)).toBe(true);
      expect([input === "choice", input === "list"]).toEqual([choices !== undefined, items !== undefined]);
    }
    const required = fields.filter((field) => !field.secret && field.required).map(({ name }) => name);
    expect(required.sort()).toEqual([...wechatConfigSchema.required].sort());
  });

  it("tells when the merchant's and the platform's certificates expire, and is silent about what it cannot read", () => {
    const { account } = world();
    const told = wechat.expiries!(account);
    expect(told.map(({ name }) => name.split(" ")[0])).toEqual(["merchant_certificate", "platform_certificates"]);
    for (const { expires_at } of told) expect(expires_at).toBeGreaterThan(Date.UTC(2030, 0, 1));
    expect(wechat.expiries!(changeAccount(account, { config: { merchant_certificate: "x" } }))).toHaveLength(1);
    const [held] = account.config.platform_certificates as { serial_no: string; pem: string }[];
    const earlier = { serial_no: "AA", pem: String(account.config.merchant_certificate) };
    const replaced = changeAccount(account, { config: { platform_certificates: [earlier, held] } });
    expect(wechat.expiries!(replaced)).toHaveLength(2);
  });
});
