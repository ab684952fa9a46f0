// Guarantee: a merchant who collects through a service provider at Alipay is paid, told and refunded as any other; what
// the merchant takes back from the provider stops the next payment and touches no earlier one.
import { afterAll, beforeAll, expect, test } from "vitest";
import { provision } from "../../server/src/channels/alipay/testing/subject.ts";
import { createControlPlane } from "../../server/src/channels/conformance/harness.ts";
import { Secret } from "../../server/src/kit/secret.ts";
import {
  bindChannelAccount,
  createChannelAccount,
  updateChannelAccount,
} from "../../server/src/modules/channel-account/index.ts";
import { nextNumber } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

/** Accounts are believed for a second. */
const ROUTES_TTL_MS = 2_000;
let platform: Platform;
let merchant: string;
let provider: string;
/** The account through the provider. */
let account_id: string;

beforeAll(async () => {
  platform = await startPlatform();
  const { services, merchant: ours } = platform;
  const { account, ...made } = await provision(createControlPlane(platform.sandbox.url), "isv");
  merchant = made.merchant;
  provider = made.key_holder!;
  const given = { ...services, getChannel: services.payment.getChannel };
  const { config, secrets } = account;
  const methods = ["alipay.qr", "alipay.page", "alipay.wap", "alipay.app"];
  const record = { channel: "alipay", name: "By a provider", config, secrets, methods, livemode: false } as const;
  ({ id: account_id } = await createChannelAccount(given, { ...record, funding_mode: "pooled" }));
  await bindChannelAccount(services, { merchant_id: ours.merchant_id, channel_account_id: account_id });
  await updateChannelAccount(given, ours.accounts.alipay, { status: "disabled" });
  await platform.advance(ROUTES_TTL_MS);
});
afterAll(async () => {
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

async function replaceToken(token: unknown): Promise<void> {
  const given = { ...platform.services, getChannel: platform.services.payment.getChannel };
  await updateChannelAccount(given, account_id, { secrets: { app_auth_token: new Secret(String(token)) } });
  await platform.advance(ROUTES_TTL_MS);
}

const create = (method: string, more: object = {}): Promise<Json> =>
  platform.post("/v1/payments", {
    ...{ out_trade_no: nextNumber(), amount: 1234, currency: "CNY", subject: "一杯咖啡 & a cup = 1", method },
    ...{ expires_in: 600, notify_url: platform.receiver.url, return_url: "https://shop.example/back", ...more },
  });
const read = (payment: Json): Promise<Json> => platform.get(`/v1/payments/${payment.id}`);

test.each(["alipay.qr", "alipay.page", "alipay.wap", "alipay.app"])(
  "%s is paid, told by a notice to the provider, and refunded in part",
  async (method) => {
    const payment = await create(method);
    const { action } = payment;
    const { transaction_id, merchant: whose } = await platform.sandbox.pay(
      action.qr_code ?? action.url ?? action.order_string,
    );
    expect(whose).toBe(merchant);
    await platform.settle();
    expect(await read(payment)).toMatchObject({ status: "succeeded", channel_trade_no: transaction_id });
    expect(await platform.sandbox.notices(payment.serial_no)).toMatchObject([{ accepted: true }]);
    const order = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 34 };
    const { id } = await platform.post("/v1/refunds", order);
    await platform.settle();
    expect(await platform.get(`/v1/refunds/${id}`)).toMatchObject({ status: "succeeded", amount: 34 });
  },
);

test("an authorization that the merchant takes back refuses the next payment, until there is a new one", async () => {
  const earlier = await create("alipay.qr");
  const control = createControlPlane(platform.sandbox.url);
  const register = (body: object) => control.post("merchants", { channel: "alipay", app_id: merchant, ...body });
  await register({ revokes: provider });
  expect(await create("alipay.qr")).toMatchObject({
    status: "failed",
    failure: { code: expect.any(String) },
  });
  // The code was given out before; its payer pays the merchant all the same, and the notice tells.
  await platform.sandbox.pay(earlier.action.qr_code);
  await platform.settle();
  expect((await read(earlier)).status).toBe("succeeded");
  const { app_auth_token } = await register({ authorizes: provider });
  await replaceToken(app_auth_token);
  const later = await create("alipay.qr");
  await platform.sandbox.pay(later.action.qr_code, { notify: false });
  await platform.advance(30_000);
  expect((await read(later)).status).toBe("succeeded");
});
