/**
 * Guarantees: a key is admitted its burst at once and its rate in the long run, never more; keys do not touch each other;
 * a flood of keys does not fill the memory; a refusal says when to come again.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { createManualClock } from "../clock.ts";
import { createLogger } from "../log.ts";
import { createSeededRandom } from "../random.ts";
import { addressKey, createRateLimiter, limitByAddress } from "./rate-limit.ts";
import { createHttpServer } from "./server.ts";

test("after its burst a key waits for its rate", () => {
  const clock = createManualClock(1_000);
  const limiter = createRateLimiter(clock, { per_second: 10, burst: 3 });
  expect([limiter.take("a"), limiter.take("a"), limiter.take("a")]).toEqual([0, 0, 0]);
  expect(limiter.take("a")).toBe(100);
  expect(limiter.take("b")).toBe(0);
  clock.advance(100);
  expect([limiter.take("a"), limiter.take("a")]).toEqual([0, 100]);
  clock.advance(10_000);
  expect([limiter.take("a"), limiter.take("a"), limiter.take("a"), limiter.take("a")]).toEqual([0, 0, 0, 100]);
});

test("peeking takes nothing", () => {
  const limiter = createRateLimiter(createManualClock(0), { per_second: 1, burst: 1 });
  expect([limiter.peek("a"), limiter.peek("a"), limiter.take("a"), limiter.peek("a")]).toEqual([0, 0, 0, 1000]);
});

test("no schedule of requests gets more than the burst and the rate", () => {
  const waits = fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 });
  fc.assert(
    fc.property(waits, fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 20 }), (steps, per_second, burst) => {
      const clock = createManualClock(0);
      const limiter = createRateLimiter(clock, { per_second, burst });
      let admitted = 0;
      for (const step of steps) {
        clock.advance(step);
        if (limiter.take("key") === 0) admitted++;
      }
      expect(admitted).toBeLessThanOrEqual(burst + (clock.now() * per_second) / 1000 + 1e-6);
    }),
  );
});

test("a flood of keys pushes out the oldest, not the memory", () => {
  const limiter = createRateLimiter(createManualClock(0), { per_second: 1, burst: 1 }, 2);
  expect([limiter.take("a"), limiter.take("b"), limiter.take("b")]).toEqual([0, 0, 1000]);
  expect(limiter.take("c")).toBe(0);
  expect(limiter.take("a")).toBe(0);
});

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["::ffff:203.0.113.7", "203.0.113.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8:1:2::9", "2001:db8:1:2"],
  ["::1", "0:0:0:0"],
])("%s counts as %s", (address, key) => {
  expect(addressKey(address)).toBe(key);
});

test("a public page is limited by address, and a forwarded address counts only from a trusted proxy", async () => {
  for (const trust_proxy of [[], ["127.0.0.1"]]) {
    const clock = createManualClock(0);
    const log = createLogger("silent");
    const server = await createHttpServer({ log, clock, random: createSeededRandom(1), base_url: "", trust_proxy });
    server.addHook("onRequest", limitByAddress(createRateLimiter(clock, { per_second: 0.5, burst: 2 })));
    server.get("/page", () => ({}));
    const ask = async (from: string) =>
      (await server.inject({ url: "/page", remoteAddress: "127.0.0.1", headers: { "x-forwarded-for": from } }))
        .statusCode;
    const statuses = [await ask("203.0.113.1"), await ask("203.0.113.2"), await ask("203.0.113.3")];
    expect(statuses).toEqual(trust_proxy.length > 0 ? [200, 200, 200] : [200, 200, 429]);
    const refused = await server.inject({ url: "/page" });
    if (trust_proxy.length === 0) expect(refused.headers["retry-after"]).toBe("2");
    await server.close();
  }
});
