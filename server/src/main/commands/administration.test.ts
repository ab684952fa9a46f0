/**
 * Guarantees: an operator can set up a merchant, its app, its key and its channel account from the command line alone; a
 * secret is printed once, when it is made; a mistake is answered with a sentence and changes nothing; a demo takes no
 * live money.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { type ChannelCaller, createChannelCaller } from "../../channels/call.ts";
import { getChannel } from "../../channels/registry.ts";
import { systemClock } from "../../kit/clock.ts";
import { createEnvelope } from "../../kit/crypto.ts";
import { createIdSource, parsePublicId } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import { createChannelAccounts, listChannelAccounts } from "../../modules/channel-account/index.ts";
import type { Command } from "../command.ts";
import { StartError } from "../start-error.ts";
import type { AdministrationServices, WithServices } from "./administration.ts";
import { channelAccountCommand } from "./channel-account.ts";
import { feeCommand } from "./fee.ts";
import { keyCommand } from "./key.ts";
import { appCommand, merchantCommand } from "./merchant.ts";
import { userCommand } from "./user.ts";

const envelope = createEnvelope([{ id: "test", key: new Secret(randomBytes(32)) }], systemRandom);
const folder = mkdtempSync(join(tmpdir(), "tributary-"));
let database: TestDatabase;
let db: Database;
let channels: ChannelCaller;
let services: AdministrationServices;
const withServices: WithServices = (use) => use(services);

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, connections_max: 2, log: createLogger("silent"), random: systemRandom });
  const ids = createIdSource(systemClock, systemRandom);
  const given = { clock: systemClock, random: systemRandom };
  channels = createChannelCaller({ ...given, log: createLogger("silent") });
  const withPlatform = () => Promise.reject(new Error("these commands need no platform"));
  services = { mode: "production", db, ...given, ids, envelope, channels, getChannel, withPlatform };
});

afterAll(async () => {
  await channels?.end();
  await db?.close();
  await database?.drop();
  rmSync(folder, { recursive: true });
});

/** Runs a command as the terminal would, and gives the JSON that it printed. */
async function run(make: (services: WithServices) => Command, args: string[], options: Record<string, unknown> = {}) {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    await make(withServices).run(args, options);
    return JSON.parse(write.mock.calls.map(([line]) => line).join(""));
  } finally {
    write.mockRestore();
  }
}

async function createShop() {
  const merchant = await run(merchantCommand, ["create"], { name: "Tea house" });
  const app = await run(appCommand, ["create"], { merchant: merchant.id, name: "Shop" });
  return { merchant, app };
}

test("a merchant, an app and a key are made, listed, rotated and revoked", async () => {
  const { merchant, app } = await createShop();
  expect(merchant).toMatchObject({ name: "Tea house", status: "active", time_zone: "Asia/Shanghai" });
  expect(app.webhook_secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  const key = await run(keyCommand, ["create"], { merchant: merchant.id, app: app.id, live: true, name: 7 });
  expect(key.secret_key).toMatch(/^sk_live_/);
  expect(key).toMatchObject({ livemode: true, name: "7", prefix: key.secret_key.slice(0, 20) });
  const rotated = await run(keyCommand, ["rotate", key.id], { merchant: merchant.id, overlap: 1 });
  expect(rotated.secret_key).not.toBe(key.secret_key);
  expect(rotated.replaced.expires_at).not.toBeNull();
  const restriction = { merchant: merchant.id, networks: "203.0.113.0/24,2001:db8::1" };
  const restricted = await run(keyCommand, ["restrict", rotated.id], restriction);
  expect(restricted.networks).toEqual(["203.0.113.0/24", "2001:db8::1"]);
  expect(await run(keyCommand, ["restrict", rotated.id], { ...restriction, networks: "any" })).toMatchObject({
    networks: [],
  });
  await expect(run(keyCommand, ["restrict", rotated.id], { merchant: merchant.id })).rejects.toThrow("--networks");
  const revoked = await run(keyCommand, ["revoke", rotated.id], { merchant: merchant.id });
  expect(revoked.revoked_at).not.toBeNull();
  const list = await run(keyCommand, ["list"], { merchant: merchant.id, app: app.id, prefix: key.prefix });
  expect(list.map((one: { id: string }) => one.id)).toEqual([key.id]);
  expect(JSON.stringify(list)).not.toContain(key.secret_key.slice(20));
  const suspended = await run(merchantCommand, ["suspend", merchant.id]);
  expect(suspended.status).toBe("suspended");
  const disabled = await run(appCommand, ["disable", app.id], { merchant: merchant.id });
  expect(disabled.status).toBe("disabled");
  const secret = await run(appCommand, ["rotate-secret", app.id], { merchant: merchant.id });
  expect(secret.webhook_secret).not.toBe(app.webhook_secret);
});

test("people are made, given new passwords, kept out and let in", async () => {
  const { merchant } = await createShop();
  const operator = await run(userCommand, ["create"], { email: "Ops@Example.com", name: "Ops", role: "operator" });
  expect(operator).toMatchObject({ email: "ops@example.com", role: "operator", merchant: null, status: "active" });
  const person = { email: "shop@example.com", name: "Shop", role: "merchant", merchant: merchant.id };
  const keeper = await run(userCommand, ["create"], person);
  expect(keeper).toMatchObject({ id: expect.stringMatching(/^usr_/), merchant: merchant.id });
  const renewed = await run(userCommand, ["new-password", "shop@example.com"]);
  expect(renewed.password).not.toBe(keeper.password);
  expect(await run(userCommand, ["disable", "shop@example.com"])).toMatchObject({ status: "disabled" });
  expect(await run(userCommand, ["enable", "shop@example.com"])).toMatchObject({ status: "active" });
  const list = await run(userCommand, ["list"]);
  expect(list.map((user: { email: string }) => user.email)).toEqual(["ops@example.com", "shop@example.com"]);
  expect(JSON.stringify(list)).not.toContain(renewed.password);
  await expect(run(userCommand, ["create"], { ...person, role: "owner" })).rejects.toThrow("operator, merchant");
  await expect(run(userCommand, ["create"], person)).rejects.toThrow("already");
  await expect(run(userCommand, ["disable", "nobody@example.com"])).rejects.toThrow("no user");
  await expect(run(userCommand, ["disable"])).rejects.toThrow("email");
});

test("a channel account is added from a file with keys beside it, bound, changed and unbound", async () => {
  const { merchant } = await createShop();
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(join(folder, "key.pem"), privateKey.export({ type: "pkcs8", format: "pem" }));
  writeFileSync(join(folder, "public.pem"), publicKey.export({ type: "spki", format: "pem" }));
  const path = join(folder, "account.json");
  const account = {
    channel: "alipay",
    name: "Tea house Alipay",
    funding_mode: "direct",
    owner_merchant: merchant.id,
    livemode: true,
    methods: ["alipay.qr"],
    config: {
      app_id: "2021000000000001",
      seller_id: "2088000000000001",
      mode: "key",
      alipay_public_keys: [{ file: "public.pem" }],
    },
    secrets: { app_private_key: { file: "key.pem" } },
  };
  writeFileSync(path, JSON.stringify(account));
  const added = await run(channelAccountCommand, ["add"], { file: path });
  expect(added).toMatchObject({ channel: "alipay", owner_merchant: merchant.id, status: "enabled", version: 1 });
  expect(JSON.stringify(added)).not.toContain("PRIVATE KEY");
  await run(channelAccountCommand, ["bind", added.id], { merchant: merchant.id, priority: 5 });
  const book = { merchant_id: parsePublicId("merchant", merchant.id)!, livemode: true };
  const routed = async () => (await createChannelAccounts(services).listForMerchant(book)).length;
  expect(await routed()).toBe(1);
  const alipay_public_keys = [...account.config.alipay_public_keys, { file: "next-public.pem" }];
  const { publicKey: next } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(join(folder, "next-public.pem"), next.export({ type: "spki", format: "pem" }));
  writeFileSync(path, JSON.stringify({ config: { ...account.config, alipay_public_keys } }));
  expect(await run(channelAccountCommand, ["update", added.id], { file: path })).toMatchObject({ version: 2 });
  await run(channelAccountCommand, ["unbind", added.id], { merchant: merchant.id });
  expect(await routed()).toBe(0);
});

test("fee rules are listed as they were added, live ones first, with their rounding", async () => {
  const { merchant } = await createShop();
  const { merchant: other } = await createShop();
  const test_rule = await run(feeCommand, ["add"], {
    merchant: merchant.id,
    rate: "1%",
    rounding: "half_even",
    cap: 99,
  });
  const live_rule = await run(feeCommand, ["add"], { merchant: merchant.id, rate: "0.6%", live: true });
  await run(feeCommand, ["add"], { merchant: other.id, rate: "2%" });
  expect(await run(feeCommand, ["list"], { merchant: merchant.id })).toMatchObject([
    { id: live_rule.id, livemode: true, rate_ppm: "6000", rounding: "half_up", cap_amount: null },
    { id: test_rule.id, livemode: false, rate_ppm: "10000", rounding: "half_even", cap_amount: "99", method: null },
  ]);
  const strange = { merchant: merchant.id, rate: "1%", rounding: "bankers" };
  await expect(run(feeCommand, ["add"], strange)).rejects.toThrow(/--rounding is "bankers": choose one of half_up/);
});

test("a demo makes no live key, and adds, enables and binds no live account", async () => {
  const { merchant, app } = await createShop();
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const path = join(folder, "live.json");
  const app_private_key = privateKey.export({ type: "pkcs8", format: "pem" });
  const pem = publicKey.export({ type: "spki", format: "pem" });
  const config = { app_id: "2021000000000003", seller_id: "2088000000000003", mode: "key", alipay_public_keys: [pem] };
  const account = { channel: "alipay", name: "Live", funding_mode: "pooled", livemode: true, methods: ["alipay.qr"] };
  writeFileSync(path, JSON.stringify({ ...account, config, secrets: { app_private_key } }));
  const { id } = await run(channelAccountCommand, ["add"], { file: path });
  await run(channelAccountCommand, ["disable", id]);
  const before = await listChannelAccounts(db, null, 1_000);

  const demo = { ...services, mode: "demo" } as const;
  const inDemo = (make: (given: WithServices) => Command, args: string[], options = {}) =>
    run(() => make((use) => use(demo)), args, options);
  const live_key = { merchant: merchant.id, app: app.id, live: true };
  const refusal = /moves real money and this is a demo: set TRIBUTARY_MODE=production/;
  await expect(inDemo(keyCommand, ["create"], live_key)).rejects.toThrow(refusal);
  await expect(inDemo(channelAccountCommand, ["add"], { file: path })).rejects.toThrow(refusal);
  await expect(inDemo(channelAccountCommand, ["enable", id])).rejects.toThrow(refusal);
  await expect(inDemo(channelAccountCommand, ["bind", id], { merchant: merchant.id })).rejects.toThrow(refusal);
  expect(await listChannelAccounts(db, null, 1_000)).toEqual(before);
  expect(await run(keyCommand, ["list"], { merchant: merchant.id })).toEqual([]);
  const test_key = await inDemo(keyCommand, ["create"], { ...live_key, live: false });
  expect(test_key.secret_key).toMatch(/^sk_test_/);
});

test("a mistake is one sentence that quotes no secret", async () => {
  const { merchant, app } = await createShop();
  const path = join(folder, "broken.json");
  const refused = async (make: (services: WithServices) => Command, args: string[], options = {}) => {
    const error = await run(make, args, options).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StartError);
    return (error as Error).message;
  };
  expect(await refused(merchantCommand, ["make"])).toMatch(/choose one of create, list/);
  expect(await refused(merchantCommand, ["create"])).toMatch(/Say --name/);
  expect(await refused(merchantCommand, ["create"], { name: "x", timeZone: "Mars" })).toMatch(/IANA name/);
  expect(await refused(merchantCommand, ["suspend", app.id])).toMatch(/begins with mch_/);
  expect(await refused(keyCommand, ["revoke", merchant.id], { merchant: merchant.id })).toMatch(/begins with key_/);
  expect(await refused(keyCommand, ["rotate", "key_x"], { merchant: merchant.id, overlap: -1 })).toMatch(/--overlap/);
  expect(await refused(channelAccountCommand, ["add"], { file: join(folder, "none.json") })).toMatch(/cannot be read/);
  writeFileSync(path, '{"secrets": {"api_v3_key": "topsecret" oops}}');
  const sentence = await refused(channelAccountCommand, ["add"], { file: path });
  expect(sentence).toMatch(/not valid JSON/);
  expect(sentence).not.toContain("topsecret");
  writeFileSync(path, '{"channel": "alipay", "Name": "x"}');
  expect(await refused(channelAccountCommand, ["add"], { file: path })).toMatch(/Name is not a field/);
});
