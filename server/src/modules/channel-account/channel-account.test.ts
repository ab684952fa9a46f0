/**
 * Guarantees: an account that its channel could not use is refused with every reason; credentials never lie open; a live
 * account calls only the live channel and a test account never does; who an account is stays; a caller is offered only its own merchant's accounts
 * of its own book; whoever opens an account gets its newest credentials.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { getChannel } from "../../channels/registry.ts";
import { createManualClock } from "../../kit/clock.ts";
import { createEnvelope } from "../../kit/crypto.ts";
import { createIdSource } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import type { Statement } from "../../kit/sql/statement.ts";
import { createMerchant } from "../merchant/index.ts";
import {
  bindChannelAccount,
  createChannelAccount,
  createChannelAccounts,
  getChannelAccount,
  type NewAccount,
  unbindChannelAccount,
  updateChannelAccount,
} from "./index.ts";

const clock = createManualClock(Date.parse("2026-11-20T00:00:00Z"));
const envelope = createEnvelope([{ id: "test", key: new Secret(randomBytes(32)) }], systemRandom);
const { privateKey, publicKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});
const SANDBOX = "http://127.0.0.1:8090";
let database: TestDatabase;
let db: Database;
const services = () => ({ db, sql: db, clock, envelope, getChannel, ids: createIdSource(clock, systemRandom) });

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, connections_max: 4, log: createLogger("silent"), random: systemRandom });
});

afterAll(async () => {
  await db?.close();
  await database?.drop();
});

const testAddresses = {
  base_url: `${SANDBOX}/wechat`,
  oauth_authorize_base_url: `${SANDBOX}/wechat/open`,
  oauth_api_base_url: `${SANDBOX}/wechat/api`,
};

function wechatAccount(
  change: Partial<NewAccount> = {},
  addresses: Record<string, string> = testAddresses,
): NewAccount {
  return {
    channel: "wechat",
    name: "Tea house WeChat",
    funding_mode: "pooled",
    livemode: false,
    methods: ["wechat.native", "wechat.jsapi"],
    config: {
      mchid: "1900000001",
      appid: "wx0000000000000001",
      merchant_serial_no: "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
      public_keys: [{ id: "PUB_KEY_ID_0000000001", pem: publicKey }],
      ...addresses,
    },
    secrets: {
      merchant_private_key: new Secret(privateKey),
      api_v3_key: new Secret("0123456789abcdef0123456789abcdef"),
    },
    ...change,
  };
}

async function refusal(input: NewAccount): Promise<string> {
  const error: Error = await createChannelAccount(services(), input).then(
    () => new Error("accepted"),
    (thrown) => thrown,
  );
  return error.message;
}

test("a good account is kept with its secrets sealed", async () => {
  const account = await createChannelAccount(services(), wechatAccount());
  expect(await getChannelAccount(db, account.id)).toEqual(account);
  const statement: Statement = {
    name: "",
    text: "select channel_accounts::text as row, secrets_sealed from channel_accounts",
  };
  const rows = await db.query<{ row: string; secrets_sealed: Buffer }>(statement);
  const everything = rows.map(({ row, secrets_sealed }) => row + secrets_sealed.toString("latin1")).join();
  expect(everything).not.toContain("0123456789abcdef0123456789abcdef");
  expect(everything).not.toContain(privateKey.split("\n")[1]);
  const opened = await createChannelAccounts(services()).open(account.id);
  expect(opened?.secrets.api_v3_key?.reveal()).toBe("0123456789abcdef0123456789abcdef");
  expect(JSON.stringify(opened)).not.toContain("0123456789abcdef0123456789abcdef");
});

test("every fault of an account is named", async () => {
  const good = wechatAccount();
  const { merchant_private_key, api_v3_key } = good.secrets;
  expect(await refusal({ ...good, channel: "nowhere" })).toMatch(/no channel of that name/);
  expect(await refusal({ ...good, name: " " })).toMatch(/name must have 1 to 100 characters/);
  expect(await refusal({ ...good, methods: [] })).toMatch(/methods must name at least one of/);
  expect(await refusal({ ...good, methods: ["alipay.qr"] })).toMatch(/does not offer the method alipay.qr/);
  expect(await refusal({ ...good, funding_mode: "direct" })).toMatch(/needs its owner/);
  expect(await refusal({ ...good, config: { ...good.config, mchId: "1" } })).toMatch(/mchId is not a field/);
  const { mchid: _, ...incomplete } = good.config;
  expect(await refusal({ ...good, config: incomplete })).toMatch(/mchid is missing/);
  expect(await refusal({ ...good, secrets: { api_v3_key: api_v3_key! } })).toMatch(/merchant_private_key is missing/);
  const short = { merchant_private_key: merchant_private_key!, api_v3_key: new Secret("tooshort") };
  const sentence = await refusal({ ...good, secrets: { ...short, password: new Secret("hunter2") } });
  expect(sentence).toMatch(/api_v3_key must be 32 bytes/);
  expect(sentence).toMatch(/password is no secret of wechat/);
  expect(sentence).not.toMatch(/tooshort|hunter2/);
});

test("a live account calls only its channel's own hosts over HTTPS", async () => {
  const live = { livemode: true };
  for (const base_url of [
    `${SANDBOX}/wechat`,
    "https://127.0.0.1:8090/wechat",
    "https://api.mch.weixin.qq.com.evil.example",
  ]) {
    expect(await refusal(wechatAccount(live, { base_url }))).toMatch(/base_url of a live account must/);
  }
  expect(await refusal(wechatAccount(live, { base_url: "http://api.mch.weixin.qq.com" }))).toMatch(/https:\/\//);
  await expect(createChannelAccount(services(), wechatAccount(live, {}))).resolves.toMatchObject(live);
  const base_url = "https://api2.mch.weixin.qq.com";
  await expect(createChannelAccount(services(), wechatAccount(live, { base_url }))).resolves.toMatchObject(live);
  const proxied = wechatAccount(live, { base_url: "https://proxy.example/wechat" });
  const allowing = { ...services(), live_hosts_allowed: ["proxy.example"] };
  await expect(createChannelAccount(allowing, proxied)).resolves.toMatchObject(live);
});

test("a test account never calls a live channel, neither by name nor by leaving the address out", async () => {
  for (const host of [
    "api.mch.weixin.qq.com",
    "API.MCH.WEIXIN.QQ.COM",
    "api.mch.weixin.qq.com.",
    "openapi.alipay.com:443",
  ]) {
    const addresses = { ...testAddresses, base_url: `https://${host}` };
    expect(await refusal(wechatAccount({}, addresses))).toMatch(/base_url is the live channel/);
  }
  const { base_url: _, ...rest } = testAddresses;
  expect(await refusal(wechatAccount({}, rest))).toMatch(/base_url is missing/);
});

test("a change is checked as a whole, makes a new version, and is what the next opening gives", async () => {
  const account = await createChannelAccount(services(), wechatAccount());
  const accounts = createChannelAccounts(services());
  expect((await accounts.open(account.id))?.version).toBe(1);
  const renamed = await updateChannelAccount(services(), account.id, { name: "Other name" });
  expect([renamed.version, renamed.name]).toEqual([1, "Other name"]);
  const api_v3_key = new Secret("fedcba9876543210fedcba9876543210");
  await updateChannelAccount(services(), account.id, { secrets: { api_v3_key } });
  const opened = await accounts.open(account.id);
  expect(opened?.version).toBe(2);
  expect(opened?.secrets.api_v3_key?.reveal()).toBe(api_v3_key.reveal());
  expect(opened?.secrets.merchant_private_key?.reveal()).toBe(privateKey);
  const bad = updateChannelAccount(services(), account.id, { secrets: { api_v3_key: new Secret("x") } });
  await expect(bad).rejects.toMatchObject({ code: "channel_account.invalid" });
  expect((await accounts.open(account.id))?.version).toBe(2);
  expect(await accounts.open(services().ids.uuid())).toBeUndefined();
});

test("who an account is at its channel cannot change, only what it is called with", async () => {
  const { config } = wechatAccount();
  const { id } = await createChannelAccount(services(), wechatAccount());
  const change = (changes: Record<string, unknown>) =>
    updateChannelAccount(services(), id, { config: { ...config, ...changes } });
  const fixed = { code: "channel_account.identity_fixed", message: expect.stringContaining("Create a new account") };
  await expect(change({ mchid: "1900000002" })).rejects.toMatchObject(fixed);
  await expect(change({ appid: "wx0000000000000002" })).rejects.toMatchObject(fixed);
  // A method that is new brings a number of its own, which stays from then on.
  const mini_appid = "wx0000000000000003";
  expect((await change({ mini_appid })).config.mini_appid).toBe(mini_appid);
  await expect(change({ mini_appid: "wx0000000000000004" })).rejects.toMatchObject(fixed);
  await expect(change({})).rejects.toMatchObject(fixed);
  const public_keys = [{ id: "PUB_KEY_ID_0000000002", pem: publicKey }];
  expect((await change({ mini_appid, public_keys })).config).toMatchObject({ mini_appid, public_keys });
  expect((await getChannelAccount(db, id))?.config).toEqual({ ...config, mini_appid, public_keys });
});

test("a merchant is offered its own accounts of the caller's book, in order, by method and currency", async () => {
  const [mine, other] = [
    await createMerchant(services(), { name: "Mine" }),
    await createMerchant(services(), { name: "Other" }),
  ];
  const owned = { funding_mode: "direct", owner_merchant_id: mine.id } as const;
  const direct = await createChannelAccount(services(), wechatAccount({ ...owned, methods: ["wechat.native"] }));
  const pooled = await createChannelAccount(services(), wechatAccount());
  const live = await createChannelAccount(services(), wechatAccount({ livemode: true }, {}));
  for (const [account, priority] of [
    [pooled, 20],
    [direct, 10],
    [live, 1],
  ] as const) {
    await bindChannelAccount(services(), { merchant_id: mine.id, channel_account_id: account.id, priority });
  }
  const accounts = createChannelAccounts(services());
  const find = async (book: { merchant_id: string; livemode: boolean }) =>
    (await accounts.listForMerchant(book)).map((account) => [account.id, account.funding_mode]);
  const test_book = { merchant_id: mine.id, livemode: false };
  expect(await find(test_book)).toEqual([
    [direct.id, "direct"],
    [pooled.id, "pooled"],
  ]);
  expect(await find({ merchant_id: mine.id, livemode: true })).toEqual([[live.id, "pooled"]]);
  expect(await find({ merchant_id: other.id, livemode: false })).toEqual([]);
  const stolen = bindChannelAccount(services(), { merchant_id: other.id, channel_account_id: direct.id });
  await expect(stolen).rejects.toMatchObject({ code: "channel_account.binding_refused" });
  // A disabled or unbound account is offered no more once the second is over, and still opens for what it began.
  await updateChannelAccount(services(), pooled.id, { status: "disabled" });
  await unbindChannelAccount(db, { merchant_id: mine.id, channel_account_id: direct.id });
  clock.advance(1_000);
  expect(await find(test_book)).toEqual([]);
  expect(await accounts.listBound(test_book)).toMatchObject([{ id: pooled.id, status: "disabled" }]);
  expect((await accounts.open(pooled.id))?.id).toBe(pooled.id);
});

test("many askers of the same moment share one question to the database", async () => {
  const merchant = await createMerchant(services(), { name: "Busy" });
  const account = await createChannelAccount(services(), wechatAccount());
  await bindChannelAccount(services(), { merchant_id: merchant.id, channel_account_id: account.id });
  const asked: string[] = [];
  const counting = {
    query: <Row>(statement: Statement, values?: Parameters<Database["query"]>[1]) => {
      asked.push(statement.name);
      return db.query<Row>(statement, values);
    },
  };
  const accounts = createChannelAccounts({ ...services(), db: counting });
  const wanted = { merchant_id: merchant.id, livemode: false };
  await Promise.all(Array.from({ length: 100 }, () => accounts.listForMerchant(wanted)));
  const opened = await Promise.all(Array.from({ length: 100 }, () => accounts.open(account.id)));
  expect(new Set(opened).size).toBe(1);
  expect(asked).toEqual([
    "channel_binding.routes",
    "channel_account.versions",
    "channel_account.select",
    "channel_account_version.select",
  ]);
});
