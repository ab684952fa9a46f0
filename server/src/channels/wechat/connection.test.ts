/**
 * Guarantee: the check of an account's connection succeeds when WeChat Pay knows the account, and otherwise says which
 * credential it refuses; every field of an account is described; and what expires is told in time.
 */
import { describe, expect, it } from "vitest";
import { startSandbox } from "../../../../sandbox/main.ts";
import { Secret } from "../../kit/secret.ts";
import { changeAccount, makeStrangeKey } from "../conformance/harness.ts";
import { useWorld } from "../conformance/subject.ts";
import type { ChannelAccount } from "../contract.ts";
import { wechatConfigSchema } from "./config.ts";
import { wechat } from "./index.ts";
import { provisionWechat } from "./testing/provision.ts";

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
  });
});
