/**
 * Guarantees: only a whole, current key of an active app gets in; a refusal tells nothing about a key its sender does not
 * hold; a revocation, a suspension or a rotation's end takes effect at once in every process; guessing is slowed down.
 */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createManualClock } from "../../kit/clock.ts";
import { createEnvelope } from "../../kit/crypto.ts";
import { createHttpServer } from "../../kit/http/server.ts";
import { createIdSource } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import { createApp, createMerchant, setAppStatus, setMerchantStatus } from "../merchant/index.ts";
import { createApiKey, createAuthenticator, listApiKeys, restrictApiKey, revokeApiKey, rotateApiKey } from "./index.ts";

const HOUR_MS = 3600_000;
const clock = createManualClock(Date.parse("2026-11-20T00:00:00Z"));
const log = createLogger("silent");
const envelope = createEnvelope([{ id: "test", key: new Secret(randomBytes(32)) }], systemRandom);
let database: TestDatabase;
let db: Database;
const stops: (() => Promise<unknown>)[] = [];
const services = () => ({
  db,
  sql: db,
  clock,
  envelope,
  random: systemRandom,
  ids: createIdSource(clock, systemRandom),
});

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, connections_max: 4, log, random: systemRandom });
});

afterAll(async () => {
  for (const stop of stops) await stop();
  await db?.close();
  await database?.drop();
});

async function createCaller(livemode = false) {
  const merchant = await createMerchant(services(), { name: "Tea house" });
  const { app } = await createApp(services(), { merchant_id: merchant.id, name: "Shop" });
  const created = await createApiKey(services(), { merchant_id: merchant.id, app_id: app.id, livemode });
  return { merchant, app, ...created };
}

/** A server whose one route says who calls; `listens` as a real process does. */
async function createDoor(options: { cache_ttl_ms?: number; key_burst?: number; failure_burst?: number } = {}) {
  const authenticator = createAuthenticator({
    db,
    clock,
    key_limit: { per_second: 1, burst: options.key_burst ?? 1_000 },
    failure_limit: { per_second: 1, burst: options.failure_burst ?? 1_000 },
    cache_ttl_ms: options.cache_ttl_ms ?? 1_000,
  });
  await authenticator.start();
  const server = await createHttpServer({ log, clock, random: systemRandom, base_url: "https://pay.example" });
  server.addHook("onRequest", authenticator.hook);
  server.get("/v1/me", (request) => request.caller);
  stops.push(() => authenticator.stop());
  const ask = (authorization?: string, remoteAddress = "192.0.2.1") =>
    server.inject({ url: "/v1/me", headers: authorization === undefined ? {} : { authorization }, remoteAddress });
  const askWith = (key: Secret, remoteAddress?: string) => ask(`Bearer ${key.reveal()}`, remoteAddress);
  return { authenticator, ask, askWith };
}

/** An announcement reaches the other connections a moment after its commit; this waits until it has. */
async function announced(condition: () => Promise<boolean>): Promise<void> {
  await expect.poll(condition, { timeout: 5_000, interval: 5 }).toBe(true);
}

const page = { limit: 20, older_than: null, newer_than: null, order: "desc", fetch: 21 } as const;

test("a key names its merchant, app and book", async () => {
  const door = await createDoor();
  for (const livemode of [false, true]) {
    const { merchant, app, api_key, secret_key } = await createCaller(livemode);
    expect(secret_key.reveal()).toMatch(livemode ? /^sk_live_[0-9A-Za-z]{32}$/ : /^sk_test_[0-9A-Za-z]{32}$/);
    expect(secret_key.reveal().startsWith(api_key.prefix)).toBe(true);
    const answer = await door.askWith(secret_key);
    expect(answer.json()).toEqual({ merchant_id: merchant.id, app_id: app.id, livemode, key_id: api_key.id });
  }
});

test("missing, malformed and wrong keys are refused with 401", async () => {
  const door = await createDoor();
  const { secret_key } = await createCaller();
  const key = secret_key.reveal();
  const wrong = `${key.slice(0, -1)}${key.endsWith("x") ? "y" : "x"}`;
  const unknown = `sk_test_${"0".repeat(32)}`;
  const cases: [string | undefined, string][] = [
    [undefined, "identity.key_missing"],
    ["", "identity.key_invalid"],
    [key, "identity.key_invalid"],
    [`Basic ${key}`, "identity.key_invalid"],
    [`Bearer ${key} `, "identity.key_invalid"],
    [`Bearer ${key}0`, "identity.key_invalid"],
    [`Bearer ${key.replace("sk_test", "sk_live")}`, "identity.key_invalid"],
    [`Bearer ${wrong}`, "identity.key_invalid"],
    [`Bearer ${unknown}`, "identity.key_invalid"],
    ["Bearer ' or 1=1 --", "identity.key_invalid"],
  ];
  for (const [authorization, code] of cases) {
    const answer = await door.ask(authorization);
    expect([authorization, answer.statusCode, answer.json().error.code]).toEqual([authorization, 401, code]);
    expect(answer.headers["www-authenticate"]).toBe("Bearer");
    expect(answer.body).not.toContain(key.slice(8));
  }
  // The wrong key and the unknown one are told the same words.
  const bodies = await Promise.all([door.ask(`Bearer ${wrong}`), door.ask(`Bearer ${unknown}`)]);
  expect(new Set(bodies.map((answer) => answer.json().error.message)).size).toBe(1);
});

test("the key itself is nowhere in the database", async () => {
  const { secret_key } = await createCaller();
  const rows = await db.query<{ row: string }>({ name: "", text: "select api_keys::text as row from api_keys" });
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.map(({ row }) => row).join()).not.toContain(secret_key.reveal().slice(20));
});

test("a revocation works at once in two processes, although both had the key cached", async () => {
  // The cache is made to last an hour and the clock stands still, so only the announcement can end it.
  const doors = [await createDoor({ cache_ttl_ms: HOUR_MS }), await createDoor({ cache_ttl_ms: HOUR_MS })];
  const { merchant, api_key, secret_key } = await createCaller();
  for (const door of doors) expect((await door.askWith(secret_key)).statusCode).toBe(200);
  await revokeApiKey(services(), { merchant_id: merchant.id, key_id: api_key.id });
  for (const door of doors) {
    await announced(async () => (await door.askWith(secret_key)).statusCode === 401);
    expect((await door.askWith(secret_key)).json().error.code).toBe("identity.key_revoked");
  }
  const again = await revokeApiKey(services(), { merchant_id: merchant.id, key_id: api_key.id });
  expect(again.revoked_at).toBe(clock.now());
});

test("a revocation works after one second where no announcement arrives", async () => {
  const door = await createDoor();
  await door.authenticator.stop();
  const { merchant, api_key, secret_key } = await createCaller();
  expect((await door.askWith(secret_key)).statusCode).toBe(200);
  await revokeApiKey(services(), { merchant_id: merchant.id, key_id: api_key.id });
  clock.advance(999);
  expect((await door.askWith(secret_key)).statusCode).toBe(200);
  clock.advance(1);
  expect((await door.askWith(secret_key)).statusCode).toBe(401);
});

test("a suspended merchant and a disabled app get 403 until they are active again", async () => {
  const door = await createDoor({ cache_ttl_ms: HOUR_MS });
  const { merchant, app, secret_key } = await createCaller();
  const status = async () => (await door.askWith(secret_key)).statusCode;
  const code = async () => (await door.askWith(secret_key)).json().error.code;
  const key = { merchant_id: merchant.id, app_id: app.id };
  expect(await status()).toBe(200);
  await setMerchantStatus(db, merchant.id, "suspended");
  await announced(async () => (await status()) === 403);
  expect(await code()).toBe("identity.merchant_inactive");
  await setMerchantStatus(db, merchant.id, "active");
  await announced(async () => (await status()) === 200);
  await setAppStatus(db, key, "disabled");
  await announced(async () => (await status()) === 403);
  expect(await code()).toBe("identity.app_disabled");
  await setAppStatus(db, key, "active");
  await announced(async () => (await status()) === 200);
});

test("after a rotation both keys work, until the old one expires", async () => {
  const door = await createDoor();
  const { merchant, api_key, secret_key } = await createCaller();
  const input = { merchant_id: merchant.id, key_id: api_key.id, overlap_ms: HOUR_MS };
  const successor = await rotateApiKey(services(), input);
  expect(successor.replaced.expires_at).toBe(clock.now() + HOUR_MS);
  expect((await door.askWith(secret_key)).statusCode).toBe(200);
  expect((await door.askWith(successor.secret_key)).statusCode).toBe(200);
  clock.advance(HOUR_MS - 1);
  expect((await door.askWith(secret_key)).statusCode).toBe(200);
  clock.advance(1);
  expect((await door.askWith(secret_key)).json().error.code).toBe("identity.key_expired");
  expect((await door.askWith(successor.secret_key)).statusCode).toBe(200);
  await expect(rotateApiKey(services(), input)).rejects.toMatchObject({ code: "identity.api_key_ended" });
});

test("another merchant's key cannot be revoked, rotated or listed, and seems not to exist", async () => {
  const mine = await createCaller();
  const other = await createCaller();
  const foreign = { merchant_id: mine.merchant.id, key_id: other.api_key.id };
  const notFound = { code: "identity.api_key_not_found" };
  await expect(revokeApiKey(services(), foreign)).rejects.toMatchObject(notFound);
  await expect(rotateApiKey(services(), foreign)).rejects.toMatchObject(notFound);
  const filter = { merchant_id: mine.merchant.id, prefix: mine.api_key.prefix.slice(0, 14) };
  expect((await listApiKeys(db, filter, page)).rows).toEqual([mine.api_key]);
  expect((await listApiKeys(db, { ...filter, prefix: other.api_key.prefix }, page)).rows).toEqual([]);
  await expect(
    createApiKey(services(), { merchant_id: mine.merchant.id, app_id: other.app.id, livemode: false }),
  ).rejects.toMatchObject({ code: "app.not_found" });
});

test("a key that asks too often is told when to come again, and other keys are not touched", async () => {
  const door = await createDoor({ key_burst: 3 });
  const eager = await createCaller();
  const calm = await createCaller();
  for (let i = 0; i < 3; i++) expect((await door.askWith(eager.secret_key)).statusCode).toBe(200);
  const refused = await door.askWith(eager.secret_key);
  expect(refused.statusCode).toBe(429);
  expect(refused.headers["retry-after"]).toBe("1");
  expect(refused.json().error).toMatchObject({ code: "request.rate_limited", retryable: true, outcome: "none" });
  expect((await door.askWith(calm.secret_key)).statusCode).toBe(200);
  clock.advance(1_000);
  expect((await door.askWith(eager.secret_key)).statusCode).toBe(200);
});

test("guessing is slowed down by address, while a key that is in use goes on working", async () => {
  const door = await createDoor({ failure_burst: 5 });
  const { secret_key } = await createCaller();
  expect((await door.askWith(secret_key)).statusCode).toBe(200);
  for (let i = 0; i < 5; i++) expect((await door.ask(`Bearer sk_test_${"0".repeat(31)}${i}`)).statusCode).toBe(401);
  expect((await door.ask(`Bearer sk_test_${"0".repeat(32)}`)).statusCode).toBe(429);
  const unused = await createCaller();
  expect((await door.askWith(unused.secret_key)).statusCode).toBe(429);
  expect((await door.askWith(secret_key)).statusCode).toBe(200);
  // Not even after everything was forgotten, as it is when any key changes.
  door.authenticator.forget();
  expect((await door.askWith(secret_key)).statusCode).toBe(200);
  clock.advance(1_000);
  expect((await door.askWith(unused.secret_key)).statusCode).toBe(200);
});

test("a client that forgot its key, or sends none, locks out nobody", async () => {
  const door = await createDoor({ failure_burst: 2 });
  const { secret_key } = await createCaller();
  for (let i = 0; i < 10; i++) {
    expect((await door.ask()).statusCode).toBe(401);
    expect((await door.ask("Bearer none")).statusCode).toBe(401);
  }
  expect((await door.askWith(secret_key)).statusCode).toBe(200);
});

test("a key that is bound to networks works from there alone, its successor too, and a change works at once", async () => {
  const door = await createDoor();
  const { merchant, app } = await createCaller();
  const owner = { merchant_id: merchant.id, app_id: app.id, livemode: false };
  const allowed_networks = ["203.0.113.0/24", "2001:db8::/32", "198.51.100.7"];
  const { api_key, secret_key } = await createApiKey(services(), { ...owner, allowed_networks });
  const from = async (address: string, key = secret_key) => {
    const answer = await door.askWith(key, address);
    return answer.statusCode === 200 ? "in" : answer.json().error.code;
  };
  for (const address of ["203.0.113.9", "2001:db8:1::9", "198.51.100.7", "::ffff:203.0.113.9"]) {
    expect(await from(address), address).toBe("in");
  }
  for (const address of ["203.0.114.9", "198.51.100.8", "2001:db9::1", "127.0.0.1"]) {
    expect(await from(address), address).toBe("identity.address_refused");
  }
  const successor = await rotateApiKey(services(), { merchant_id: merchant.id, key_id: api_key.id });
  expect(successor.api_key.allowed_networks).toEqual(allowed_networks);
  expect(await from("127.0.0.1", successor.secret_key)).toBe("identity.address_refused");
  const change = { merchant_id: merchant.id, key_id: api_key.id };
  await restrictApiKey(services(), { ...change, allowed_networks: ["127.0.0.1"] });
  await announced(async () => (await from("127.0.0.1")) === "in");
  expect(await from("203.0.113.9")).toBe("identity.address_refused");
  await restrictApiKey(services(), { ...change, allowed_networks: [] });
  await announced(async () => (await from("203.0.113.9")) === "in");
});

test.each(["203.0.113.0/33", "203.0.113", "2001:db8::/129", "shop.example", "10.0.0.0/8;"])(
  "%s is no network, and nothing is changed",
  async (text) => {
    const { merchant, api_key } = await createCaller();
    const change = { merchant_id: merchant.id, key_id: api_key.id, allowed_networks: ["192.0.2.1", text] };
    await expect(restrictApiKey(services(), change)).rejects.toThrow(text);
    const [key] = (await listApiKeys(db, { merchant_id: merchant.id }, page)).rows;
    expect(key!.allowed_networks).toEqual([]);
  },
);
