// Guarantee: readiness tells the truth about what a load balancer and an operator rely on, names what is missing, and
// asks the database once a second at most, however often it is asked itself.
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Platform, startPlatform } from "../../../test/platform/platform.ts";
import { isAnyWorkerAlive } from "./heartbeat.ts";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform();
}, 60_000);
afterAll(() => platform?.close());

test("a process that answers is alive, without a key", async () => {
  const answer = await platform.call("GET", "/healthz", undefined, { key: null });
  expect(answer).toMatchObject({ status: 200, body: { status: "ok" } });
});

test("without a worker it is not ready, and says so", async () => {
  const answer = await platform.call("GET", "/readyz", undefined, { key: null });
  expect(answer.status).toBe(503);
  expect(answer.body).toEqual({ status: "not_ready", checks: { database: "ok", migrations: "ok", workers: "none" } });
});

test("an answer is kept for a second, whoever asks", async () => {
  const asked = vi.spyOn(platform.services.db, "query");
  platform.clock.advance(1_000);
  const ask = () => platform.call("GET", "/readyz", undefined, { key: null });
  await Promise.all(Array.from({ length: 20 }, ask));
  const queries = asked.mock.calls.length;
  expect(queries).toBeGreaterThan(0);
  expect(queries).toBeLessThanOrEqual(2);
  platform.clock.advance(999);
  await ask();
  expect(asked).toHaveBeenCalledTimes(queries);
  platform.clock.advance(1);
  await ask();
  expect(asked.mock.calls.length).toBeGreaterThan(queries);
  asked.mockRestore();
});

test("with a worker it is ready, until the worker has been silent for three beats", async () => {
  await platform.advance(1_000);
  expect(await platform.call("GET", "/readyz", undefined, { key: null })).toMatchObject({ status: 200 });
  const { db, clock } = platform.services;
  expect(await isAnyWorkerAlive(db, clock.now() + 29_000)).toBe(true);
  expect(await isAnyWorkerAlive(db, clock.now() + 31_000)).toBe(false);
});
