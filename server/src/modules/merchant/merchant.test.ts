/**
 * Guarantees: a webhook secret has the form of Standard Webhooks, lies sealed and bound to its app, and after a rotation
 * the old one stays valid exactly as long as was agreed; a merchant never reaches another's app.
 */
import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createManualClock } from "../../kit/clock.ts";
import { createEnvelope } from "../../kit/crypto.ts";
import { createIdSource } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import {
  createApp,
  createMerchant,
  getApp,
  getMerchant,
  loadWebhookSecrets,
  rotateWebhookSecret,
  setAppStatus,
  setMerchantStatus,
} from "./index.ts";

const HOUR_MS = 3600_000;
const clock = createManualClock(Date.parse("2026-11-20T00:00:00Z"));
const envelope = createEnvelope([{ id: "test", key: new Secret(randomBytes(32)) }], systemRandom);
let database: TestDatabase;
let db: Database;
const services = () => ({ sql: db, clock, envelope, random: systemRandom, ids: createIdSource(clock, systemRandom) });

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, connections_max: 2, log: createLogger("silent"), random: systemRandom });
});

afterAll(async () => {
  await db?.close();
  await database?.drop();
});

async function createShop() {
  const merchant = await createMerchant(services(), { name: "  Tea house  " });
  const { app, webhook_secret } = await createApp(services(), { merchant_id: merchant.id, name: "Shop" });
  return { merchant, app, webhook_secret, key: { merchant_id: merchant.id, app_id: app.id } };
}

const reveal = async (key: { merchant_id: string; app_id: string }) =>
  (await loadWebhookSecrets(services(), key)).map((secret) => secret.reveal());

test("a merchant and its app are read back as they were made", async () => {
  const { merchant, app, key } = await createShop();
  expect(merchant).toMatchObject({ name: "Tea house", status: "active", time_zone: "Asia/Shanghai" });
  expect(await getMerchant(db, merchant.id)).toEqual(merchant);
  expect(await getApp(db, key)).toEqual(app);
  expect((await setMerchantStatus(db, merchant.id, "closed")).status).toBe("closed");
  expect((await setAppStatus(db, key, "disabled")).status).toBe("disabled");
});

test("names and time zones that are none are refused", async () => {
  for (const input of [{ name: "" }, { name: "  " }, { name: "x".repeat(101) }, { name: "a\0" }]) {
    await expect(createMerchant(services(), input)).rejects.toMatchObject({ code: "merchant.invalid", param: "name" });
  }
  const zoned = createMerchant(services(), { name: "x", time_zone: "Beijing" });
  await expect(zoned).rejects.toMatchObject({ code: "merchant.invalid", param: "time_zone" });
});

test("a webhook secret signs as Standard Webhooks wants and lies sealed, bound to its app", async () => {
  const { key, webhook_secret } = await createShop();
  const secret = webhook_secret.reveal();
  expect(Buffer.from(secret.replace("whsec_", ""), "base64")).toHaveLength(32);
  const signature = new Webhook(secret).sign("msg_1", new Date(clock.now()), "{}");
  expect(signature).toMatch(/^v1,/);
  expect(await reveal(key)).toEqual([secret]);
  const [row] = await db.query<{ row: string; sealed: Buffer }>(
    platformStatement("", "select apps::text as row, webhook_secret_sealed as sealed from apps where id = $1"),
    [key.app_id],
  );
  expect(row!.row + row!.sealed.toString("latin1")).not.toContain(secret.slice(6));
  // The sealed bytes of one app do not open in the row of another.
  const other = await createShop();
  const copy = platformStatement("", "update apps set webhook_secret_sealed = $1 where id = $2 returning id");
  await db.query(copy, [row!.sealed, other.app.id]);
  await expect(loadWebhookSecrets(services(), other.key)).rejects.toThrow(/belongs to another row/);
});

test("after a rotation both secrets sign until the old one's time is over", async () => {
  const { key, webhook_secret } = await createShop();
  const first = webhook_secret.reveal();
  const second = (await rotateWebhookSecret(services(), { ...key, overlap_ms: HOUR_MS })).reveal();
  expect(await reveal(key)).toEqual([second, first]);
  clock.advance(HOUR_MS - 1);
  expect(await reveal(key)).toEqual([second, first]);
  clock.advance(1);
  expect(await reveal(key)).toEqual([second]);
  const third = (await rotateWebhookSecret(services(), { ...key, overlap_ms: 0 })).reveal();
  expect(await reveal(key)).toEqual([third]);
});

test("another merchant's app seems not to exist", async () => {
  const mine = await createShop();
  const other = await createShop();
  const foreign = { merchant_id: mine.merchant.id, app_id: other.app.id };
  const notFound = { code: "app.not_found" };
  await expect(getApp(db, foreign)).rejects.toMatchObject(notFound);
  await expect(loadWebhookSecrets(services(), foreign)).rejects.toMatchObject(notFound);
  await expect(rotateWebhookSecret(services(), foreign)).rejects.toMatchObject(notFound);
  await expect(setAppStatus(db, foreign, "disabled")).rejects.toMatchObject(notFound);
  expect((await getApp(db, other.key)).status).toBe("active");
  const nobody = createApp(services(), { merchant_id: services().ids.uuid(), name: "x" });
  await expect(nobody).rejects.toMatchObject({ code: "merchant.not_found" });
});
