// Guarantee: readiness tells the truth about what a load balancer and an operator rely on, and names what is missing.
import { afterAll, beforeAll, expect, test } from "vitest";
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

test("with a worker it is ready, until the worker has been silent for three beats", async () => {
  await platform.settle();
  expect(await platform.call("GET", "/readyz", undefined, { key: null })).toMatchObject({ status: 200 });
  const { db, clock } = platform.services;
  expect(await isAnyWorkerAlive(db, clock.now() + 29_000)).toBe(true);
  expect(await isAnyWorkerAlive(db, clock.now() + 31_000)).toBe(false);
});
