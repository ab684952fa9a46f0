/** A platform whose merchant has three accounts at Alipay, and what tests of routing do with them. */
import { generateKeyPairSync } from "node:crypto";
import { publicId } from "../../server/src/kit/id.ts";
import { Secret } from "../../server/src/kit/secret.ts";
import {
  bindChannelAccount,
  createChannelAccount,
  unbindChannelAccount,
} from "../../server/src/modules/channel-account/index.ts";
import {
  createRoutingRule,
  deleteRoutingRule,
  listRouting,
  type RoutingLimitInput,
  type RoutingRule,
  type RoutingRuleInput,
  setRoutingLimit,
} from "../../server/src/modules/routing/index.ts";
import { paymentBody } from "./payments.ts";
import { type Platform, type PlatformOptions, startPlatform } from "./platform.ts";
import type { Json } from "./sandbox-control.ts";

export interface RoutedAccount {
  /** UUID. */
  id: string;
  /** As the API shows it. */
  name: string;
  /** Its name at Alipay. */
  app_id: string;
}

export interface RoutedPlatform extends Platform {
  /** In the merchant's order. */
  A: RoutedAccount;
  B: RoutedAccount;
  C: RoutedAccount;
  /** Adds a rule, and waits until it is known. */
  rule(input: Omit<RoutingRuleInput, "merchant_id" | "livemode" | "name">): Promise<RoutingRule>;
  limit(input: Omit<RoutingLimitInput, "merchant_id">): Promise<void>;
  removeRule(id: string): Promise<void>;
  /** The account's next payments, or calls of another operation, meet the fault. */
  failCalls(account: RoutedAccount, fault: string, times?: number, operation?: string): Promise<void>;
  /** Alipay refuses everything that the account signs, until the given function is called. */
  disown(account: RoutedAccount): Promise<() => Promise<void>>;
  create(more?: object, method?: "alipay.qr" | "alipay.jsapi"): Promise<Json>;
  /** The oldest first. */
  attemptsOf(payment: Json): Promise<Json[]>;
  /** The accounts of the attempts. */
  takers(payment: Json): Promise<string[]>;
  /** Removes rules, limits and faults, and lets what breakers remember grow old. */
  forget(): Promise<void>;
}

export async function startRoutedPlatform(options: PlatformOptions = {}): Promise<RoutedPlatform> {
  const platform = await startPlatform(options);
  const A = await bindAccount(platform, 10);
  const B = await bindAccount(platform, 20);
  const C = await bindAccount(platform, 30);
  const { services, clock, merchant, sandbox } = platform;
  const { merchant_id } = merchant;
  await unbindChannelAccount(services.db, { merchant_id, channel_account_id: merchant.accounts.alipay });
  const rule: RoutedPlatform["rule"] = async (input) => {
    const made = await createRoutingRule(services, { merchant_id, livemode: false, name: "test", ...input });
    clock.advance(1_000);
    return made;
  };
  const limit: RoutedPlatform["limit"] = async (input) => {
    await setRoutingLimit({ ...services, past: services.routing.past }, { ...input, merchant_id });
    clock.advance(1_000);
  };
  const removeRule = async (id: string) => {
    await deleteRoutingRule(services.db, merchant_id, id);
    clock.advance(1_000);
  };
  const attemptsOf = async (payment: Json): Promise<Json[]> =>
    (await platform.get(`/v1/payments/${payment.id}/attempts`)).data.reverse();
  return {
    ...{ ...platform, A, B, C, rule, limit, removeRule, attemptsOf },
    async failCalls({ app_id }, fault, times = 1, operation = "pay") {
      const named = { channel: "alipay", operation, merchant: app_id };
      await sandbox.request("POST", "/control/faults", { ...named, fault, times, delay_ms: 20 });
    },
    disown: (account) => disown(platform, account),
    create: (more = {}, method = "alipay.qr") => platform.post("/v1/payments", paymentBody(method, more)),
    takers: async (payment) => (await attemptsOf(payment)).map((attempt) => attempt.channel_account),
    async forget() {
      await sandbox.clearFaults();
      const { rules, limits } = await listRouting(services.db, merchant_id);
      for (const { id } of rules) await removeRule(id);
      for (const { channel_account_id, currency } of limits) await limit({ channel_account_id, currency });
      await platform.advance(600_000);
    },
  };
}

async function bindAccount({ services, sandbox, merchant }: Platform, priority: number): Promise<RoutedAccount> {
  const given = { ...services, getChannel: services.payment.getChannel };
  // By key: a certificate could not be taken away and given back.
  const registered = await sandbox.request("POST", "/control/merchants", {
    channel: "alipay",
    name: "Routed",
    mode: "key",
  });
  const { app_id, seller_id, gateway } = registered;
  const { id } = await createChannelAccount(given, {
    ...{ channel: "alipay", name: "Routed", funding_mode: "pooled", livemode: false },
    methods: ["alipay.qr", "alipay.jsapi", "alipay.barcode"],
    config: {
      ...{ app_id, seller_id, mode: "key", gateway, oauth_base_url: sandbox.url },
      alipay_public_keys: [registered.alipay_public_key_pem],
    },
    secrets: { app_private_key: new Secret(registered.app_private_key_pem) },
  });
  await bindChannelAccount(services, { merchant_id: merchant.merchant_id, channel_account_id: id, priority });
  return { id, name: publicId("channel_account", id), app_id };
}

async function disown({ sandbox }: Platform, { app_id }: RoutedAccount): Promise<() => Promise<void>> {
  const known = await sandbox.request("GET", "/control/merchants");
  const register = async (app_public_key_pem: string) => {
    const fields = { channel: "alipay", name: "Routed", mode: "key", app_id, app_public_key_pem };
    await sandbox.request("POST", "/control/merchants", fields);
  };
  const true_key = known.data.find((merchant: Json) => merchant.app_id === app_id).app_public_key_pem;
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await register(publicKey.export({ type: "spki", format: "pem" }).toString());
  return () => register(true_key);
}
