import { describe, expect, it } from "vitest";
import { createManualClock, systemClock } from "../../kit/clock.ts";
import { changeAccount, startPeer } from "./harness.ts";
import { type ConformanceSubject, strangeKeyOf, type World } from "./subject.ts";

/** How an account is described, what of it expires, and whether the channel takes it. */
export function describeConfiguration(subject: ConformanceSubject, world: () => World): void {
  const { channel } = subject;
  const check = (account: World["account"]) =>
    world().caller.run("check_connection", account, channel.checkConnection, {});
  describe("configuration", () => {
    it("describes every field of the schema and every secret, in both languages", () => {
      const described = channel.fields.filter(({ secret }) => !secret).map(({ name }) => name);
      const { properties } = channel.configSchema as unknown as { properties: Record<string, unknown> };
      expect(described.sort()).toEqual(Object.keys(properties).sort());
      const secrets = channel.fields.filter(({ secret }) => secret).map(({ name }) => name);
      expect(secrets).toEqual(expect.arrayContaining(Object.keys(world().account.secrets)));
      for (const { label } of channel.fields) expect([label.zh, label.en].filter((text) => text === "")).toEqual([]);
    });

    it("refuses an account whose credential has expired, and names the credential", () => {
      const { account } = world();
      const expiries = channel.expiries(account);
      const soonest = Math.min(...expiries.map(({ expires_at }) => expires_at), Number.MAX_SAFE_INTEGER);
      expect(soonest).toBeGreaterThan(systemClock.now());
      expect(channel.checkAccount(account, createManualClock(soonest - 1_000)).join()).not.toContain("expired");
      for (const { name, expires_at } of expiries) {
        const problems = channel.checkAccount(account, createManualClock(expires_at + 1_000));
        const expired = problems.filter((problem) => problem.includes("expired")).join();
        expect(expired).toMatch(new RegExp(`${name.split(" ", 1)}|certificate`));
      }
    });

    it("connects with a good account, not with a key that the channel does not know, and is not sure of strangers", async () => {
      const { account } = world();
      expect(await check(account)).toEqual({ kind: "connected" });
      const strange = changeAccount(account, { secrets: { [subject.privateKeyField]: strangeKeyOf(subject) } });
      expect((await check(strange)).kind).toMatch(/failed|unknown/);
      expect(await check({ ...changeAccount(account, {}), secrets: {} })).toMatchObject({ reason: "not_sent" });
      const peer = await startPeer((_request, response) => response.writeHead(200).end("<h1>It works!</h1>"));
      expect(await check(subject.relocate(account, peer.url))).toMatchObject({ kind: "unknown" });
      await peer.close();
    });
  });
}
