/**
 * Guarantees: an operator learns from the channel itself whether an account works, in a sentence that names the fault;
 * an account that is to be checked first is saved only when the channel takes it; what each channel needs is described
 * in both languages, and nothing of an account is shown by it.
 */
import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import { createChannelCaller } from "../../channels/call.ts";
import { channels } from "../../channels/registry.ts";
import { Secret } from "../../kit/secret.ts";
import {
  checkConnection,
  createChannelAccount,
  listChannelAccounts,
  type NewAccount,
  updateChannelAccount,
} from "./index.ts";

let platform: Platform;
const caller = () => createChannelCaller(platform.services);

beforeAll(async () => {
  platform = await startPlatform();
}, 60_000);
afterAll(() => platform?.close());

const given = () => ({
  ...platform.services,
  channels: platform.services.payment.channels,
  getChannel: platform.services.payment.getChannel,
});

/** An account in key mode, where only the channel can tell that a key is not the application's. */
async function registerAlipay(name: string): Promise<NewAccount> {
  const made = await platform.sandbox.request("POST", "/control/merchants", { channel: "alipay", name, mode: "key" });
  return {
    ...{ channel: "alipay", name, methods: ["alipay.qr"], funding_mode: "pooled", livemode: false },
    config: {
      ...{ app_id: made.app_id, seller_id: made.seller_id, mode: "key" },
      ...{ alipay_public_keys: [made.alipay_public_key_pem] },
      ...{ gateway: made.gateway, oauth_base_url: platform.sandbox.url },
    },
    secrets: { app_private_key: new Secret(made.app_private_key_pem) },
  };
}

function makeKeys(): { own: Secret; foreign: string } {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return {
    own: new Secret(privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
    foreign: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

test("a good account is connected, and one whose key the channel does not hold is not", async () => {
  const { id: alipay } = await createChannelAccount(given(), await registerAlipay("Tried"));
  for (const id of [alipay, ...Object.values(platform.merchant.accounts)]) {
    expect(await checkConnection(given(), id)).toEqual({ kind: "connected" });
  }
  await updateChannelAccount(given(), alipay, { secrets: { app_private_key: makeKeys().own } });
  const refused = await checkConnection(given(), alipay);
  expect(refused).toMatchObject({ kind: "failed", failure: { message: expect.stringContaining("app_private_key") } });
  await expect(checkConnection(given(), platform.merchant.app_id)).rejects.toMatchObject({
    code: "channel_account.not_found",
  });
});

test("with a check an account is saved only when the channel takes it, and a change likewise", async () => {
  const count = async () => (await listChannelAccounts(platform.services.db, null, 100)).length;
  const before = await count();
  const good = await registerAlipay("Checked");
  const options = { check_with: caller() };
  const bad = { ...good, secrets: { app_private_key: makeKeys().own } };
  const not_connected = { code: "channel_account.not_connected", message: expect.stringContaining("app_private_key") };
  await expect(createChannelAccount(given(), bad, options)).rejects.toMatchObject(not_connected);
  expect(await count()).toBe(before);
  const { id } = await createChannelAccount(given(), good, options);
  const changed = updateChannelAccount(given(), id, { secrets: bad.secrets }, options);
  await expect(changed).rejects.toMatchObject(not_connected);
  expect(await checkConnection(given(), id)).toEqual({ kind: "connected" });
  const elsewhere = { ...good.config, alipay_public_keys: [makeKeys().foreign] };
  const untrusted = updateChannelAccount(given(), id, { config: elsewhere }, options);
  await expect(untrusted).rejects.toMatchObject({ message: expect.stringContaining("bad_signature") });
  await options.check_with.end();
});

test("credentials of the wrong kind or book are refused with the field's name, and none is quoted", async () => {
  const good = await registerAlipay("Kinds");
  const { own, foreign } = makeKeys();
  const cases: [object, RegExp][] = [
    [
      { secrets: { app_private_key: new Secret(foreign) } },
      /app_private_key .*a public key was given where a private key is needed/,
    ],
    [{ config: { ...good.config, alipay_public_keys: [own.reveal()] } }, /alipay_public_keys holds a private key/],
    [
      { secrets: { app_private_key: new Secret("sk_live_51Habc") } },
      /app_private_key is a live key, which a test account/,
    ],
  ];
  for (const [change, sentence] of cases) {
    const error: Error = await createChannelAccount(given(), { ...good, ...change }).then(
      () => new Error("accepted"),
      (thrown) => thrown,
    );
    expect(error.message).toMatch(sentence);
    expect(error.message).not.toMatch(/BEGIN|MII|51Habc/);
  }
});

test("every channel describes each field of its accounts in both languages", async () => {
  const { data } = await platform.get("/v1/channels");
  expect(data.map(({ id }: { id: string }) => id)).toEqual(Object.keys(channels));
  for (const channel of data) {
    expect(channel.methods).toEqual(Object.keys(channels[channel.id]!.pay));
    expect(channel.fields.length).toBeGreaterThan(0);
    for (const { label, secret } of channel.fields) {
      expect(label.zh).toMatch(/\p{Script=Han}|^[A-Za-z0-9 ]+$/u);
      expect(label.en).not.toMatch(/\p{Script=Han}/u);
      expect(typeof secret).toBe("boolean");
    }
  }
});
