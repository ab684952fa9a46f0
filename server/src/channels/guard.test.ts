/**
 * Guarantee: an account that does not answer has its own places and its own breaker: more calls than its places wait,
 * more than may wait are kept back unsent, and no other account or operation notices.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createManualClock } from "../kit/clock.ts";
import { createLogger } from "../kit/log.ts";
import { systemRandom } from "../kit/random.ts";
import { breakerRules } from "./breaker.ts";
import { createBulkhead } from "./bulkhead.ts";
import { type ChannelCaller, createChannelCaller } from "./call.ts";
import { makeUuid, startPeer } from "./conformance/harness.ts";
import type { ChannelAccount, Operation } from "./contract.ts";

describe("a bulkhead", () => {
  const rules = { concurrent_max: 2, waiting_max: 2, wait_ms: 60_000 };

  it("lets so many in, has so many wait in order, and refuses the rest", async () => {
    const bulkhead = createBulkhead(rules);
    expect([bulkhead.enter(), bulkhead.enter()]).toEqual([true, true]);
    const order: number[] = [];
    const waiting = [1, 2].map(async (name) => {
      expect(await bulkhead.enter()).toBe(true);
      order.push(name);
    });
    expect(bulkhead.full).toBe(true);
    expect(await bulkhead.enter()).toBe(false);
    bulkhead.leave();
    bulkhead.leave();
    await Promise.all(waiting);
    expect({ order, active: bulkhead.active, waiting: bulkhead.waiting }).toEqual({
      ...{ order: [1, 2], active: 2, waiting: 0 },
    });
    bulkhead.leave();
    bulkhead.leave();
    expect(bulkhead.active).toBe(0);
  });

  it("sends away who has waited too long, and keeps the place for the next", async () => {
    const bulkhead = createBulkhead({ ...rules, concurrent_max: 1, wait_ms: 5 });
    bulkhead.enter();
    expect(await bulkhead.enter()).toBe(false);
    expect(bulkhead.waiting).toBe(0);
    bulkhead.leave();
    expect(bulkhead.enter()).toBe(true);
  });
});

describe("calls of a channel", () => {
  const clock = createManualClock(1_800_000_000_000);
  const lines: string[] = [];
  const log = createLogger("info", { write: (line) => void lines.push(line) });
  let caller: ChannelCaller;
  let peer: Awaited<ReturnType<typeof startPeer>>;
  let answer: (response: import("node:http").ServerResponse) => void;
  let sent: number;

  beforeEach(async () => {
    lines.length = 0;
    sent = 0;
    caller = createChannelCaller({ clock, random: systemRandom, log });
    peer = await startPeer((_request, response) => {
      sent += 1;
      answer(response);
    });
  });
  afterEach(async () => {
    await peer.close();
  });

  const accountOf = (): ChannelAccount => ({ id: makeUuid(), version: 1, livemode: false, config: {}, secrets: {} });
  const operation: Operation<object, { kind: "answered" }> = {
    toRequest: async () => ({ method: "GET", url: `${peer.url}/`, headers: {} }),
    async fromResponse(_context, _input, { status }) {
      if (status !== 200) return { kind: "unknown", reason: "http_status", detail: String(status) } as never;
      return { kind: "answered" };
    },
  };
  const run = (account: ChannelAccount, name = "pay") => caller.run(name, account, operation, {});
  const refuse = (response: import("node:http").ServerResponse) => void response.writeHead(503).end();
  const accept = (response: import("node:http").ServerResponse) => void response.end("{}");

  it("are kept back, unsent, once an account is in trouble; others and other operations go on", async () => {
    const [sick, well] = [accountOf(), accountOf()];
    answer = refuse;
    for (let count = 0; count < breakerRules.troubles_min; count += 1) await run(sick);
    expect(caller.refuses(sick.id, "pay")).toBe("breaker");
    expect(await run(sick)).toMatchObject({ kind: "unknown", reason: "not_sent", held_back: "breaker" });
    expect(sent).toBe(breakerRules.troubles_min);
    answer = accept;
    expect(await run(sick, "query")).toEqual({ kind: "answered" });
    expect(await run(well)).toEqual({ kind: "answered" });
    expect(caller.health(sick.id)).toMatchObject([
      { account_id: sick.id, operation: "pay", state: "open", troubles: 5, active: 0 },
      { operation: "query", state: "closed", calls: 1 },
    ]);
    clock.advance(breakerRules.wait_ms);
    expect(caller.health(sick.id)).toMatchObject([{ state: "half_open" }, {}]);
    expect(await run(sick)).toEqual({ kind: "answered" });
    expect(caller.refuses(sick.id, "pay")).toBeUndefined();
    expect(lines.map((line) => JSON.parse(line).msg).filter((text: string) => text.startsWith("breaker"))).toEqual([
      "breaker opened: calls are kept back for a while",
      "breaker closed",
    ]);
  });

  it("are not kept back by explicit answers, however bad", async () => {
    const account = accountOf();
    answer = (response) => void response.writeHead(200).end("<html>");
    for (let count = 0; count < 20; count += 1) await run(account);
    expect(caller.health(account.id)).toMatchObject([{ state: "closed", calls: 20, troubles: 0 }]);
  });

  it("of a silent account fill its places only", async () => {
    const [silent, well] = [accountOf(), accountOf()];
    const held: import("node:http").ServerResponse[] = [];
    answer = (response) => void held.push(response);
    const calls = Array.from({ length: 80 }, () => run(silent));
    await expect.poll(() => held.length).toBe(64);
    expect(caller.health(silent.id)).toMatchObject([{ active: 64, waiting: 16 }]);
    answer = accept;
    expect(await run(well)).toEqual({ kind: "answered" });
    for (const response of held) response.end("{}");
    expect((await Promise.all(calls)).every((outcome) => outcome.kind === "answered")).toBe(true);
    expect(sent).toBe(81);
  });
});
