/** Guarantees that moving the clock runs what falls due, in order and at its own time, and what that plans in turn. */
import { expect, it } from "vitest";
import { createClock, formatBeijing, formatRfc3339, parseBeijing } from "./clock.ts";

const start_ms = Date.parse("2026-11-20T15:59:59Z");

it("runs jobs in order of time, each at its own time", async () => {
  const clock = createClock(() => start_ms, true);
  const ran: [string, number][] = [];
  const job = (name: string) => () => void ran.push([name, clock.now() - start_ms]);
  clock.schedule(start_ms + 3000, job("c"));
  clock.schedule(start_ms + 1000, job("a"));
  clock.schedule(start_ms + 1000, job("b"));
  clock.schedule(start_ms + 9000, job("never"));
  await clock.advance(5000);
  clock.stop();
  expect(ran).toEqual([
    ["a", 1000],
    ["b", 1000],
    ["c", 3000],
  ]);
  expect(clock.now()).toBe(start_ms + 5000);
});

it("also runs what a job plans on the way, and waits for it", async () => {
  const clock = createClock(() => start_ms, true);
  const ran: number[] = [];
  const repeat = async () => {
    await Promise.resolve();
    ran.push(clock.now() - start_ms);
    clock.schedule(clock.now() + 1000, repeat);
  };
  clock.schedule(start_ms + 1000, repeat);
  await clock.advance(3500);
  clock.stop();
  expect(ran).toEqual([1000, 2000, 3000]);
});

it("runs by itself what falls due on the clock it follows", async () => {
  let now_ms = start_ms;
  const clock = createClock(() => now_ms, true);
  const ran = new Promise<void>((resolve) => {
    clock.schedule(start_ms + 60_000, resolve);
  });
  now_ms += 60_000;
  await ran;
  clock.stop();
  expect(clock.offset()).toBe(0);
});

it("writes and reads Beijing time, which is a day ahead of UTC in the evening", () => {
  expect(formatRfc3339(start_ms + 1000)).toBe("2026-11-21T00:00:00+08:00");
  expect(formatBeijing(start_ms + 1000)).toBe("2026-11-21 00:00:00");
  expect(parseBeijing("2026-11-21 00:00:00")).toBe(start_ms + 1000);
  expect(parseBeijing("2026-11-21 00:00")).toBe(start_ms + 1000);
  expect(parseBeijing("2026-13-01 00:00:00")).toBeUndefined();
  expect(parseBeijing("2026-11-21T00:00:00Z")).toBeUndefined();
});
