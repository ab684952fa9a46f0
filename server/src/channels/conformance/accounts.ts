import { describe, expect, it } from "vitest";
import { createManualClock, systemClock } from "../../kit/clock.ts";
import { Secret } from "../../kit/secret.ts";
import { changeAccount } from "./harness.ts";
import { type ConformanceSubject, troublesOf, type World } from "./subject.ts";

/** Accounts as a person types them in, and the payer's identity. */
export function describeAccounts(subject: ConformanceSubject, world: () => World): void {
  const { channel, privateKeyField } = subject;
  describe("accounts", () => {
    it("finds nothing wrong with a good account", () => {
      expect(channel.checkAccount(world().account, systemClock)).toEqual([]);
    });

    it("names the private key that is missing or does not parse, and shows nothing of it", () => {
      const { account } = world();
      const bad = changeAccount(account, { secrets: { [privateKeyField]: new Secret("not-a-key") } });
      expect(channel.checkAccount(bad, systemClock).join()).toContain(privateKeyField);
      expect(channel.checkAccount(bad, systemClock).join()).not.toContain("not-a-key");
      expect(channel.checkAccount({ ...account, secrets: {} }, systemClock).join()).toContain(privateKeyField);
    });

    it("refuses fields that it does not know", () => {
      const typo = changeAccount(world().account, { config: { surprise: 1 } });
      expect(channel.checkAccount(typo, systemClock)).not.toEqual([]);
    });

    it("does not need the clock for anything but validity", () => {
      const longAgo = createManualClock(0);
      expect(() => channel.checkAccount(world().account, longAgo)).not.toThrow();
    });

    const signed = ([fault]: [string, unknown]) => !(subject.facts.identityUnsigned && fault.endsWith("_signature"));
    const troubles = channel.identity ? Object.entries(troublesOf(subject.facts)).filter(signed) : [];
    it.each(troubles)("does not know the payer after %s", async (fault) => {
      const { account, caller, control } = world();
      const identity = channel.identity!;
      const address = identity.authorizeUrl(account, "https://shop.example/back", "s");
      const back = new URL((await fetch(address, { redirect: "manual" })).headers.get("location")!);
      // Whoever is asked: at a service provider it is not the merchant.
      await control.post("faults", { channel: channel.id, operation: "oauth", fault });
      const outcome = await caller.identify(channel, account, back.searchParams.get(identity.codeParameter)!);
      expect(outcome).toMatchObject({ kind: "unknown" });
    });

    it.runIf(channel.identity)("learns the payer's identity from a code, once", async () => {
      const { account, caller } = world();
      const identity = channel.identity!;
      const address = identity.authorizeUrl(account, "https://shop.example/back?order=1", "state/1");
      const answer = await fetch(address, { redirect: "manual" });
      const back = new URL(answer.headers.get("location") ?? "");
      expect([back.origin, back.searchParams.get("order"), back.searchParams.get("state")]).toEqual([
        "https://shop.example",
        "1",
        "state/1",
      ]);
      const code = back.searchParams.get(identity.codeParameter)!;
      expect(await caller.identify(channel, account, code)).toMatchObject({
        kind: "identified",
        payer: expect.stringMatching(/^(o|2088|[\w+/]{64}$)/),
      });
      expect(await caller.identify(channel, account, code)).toMatchObject({ kind: "failed" });
    });
  });
}
