// Guarantee: at the most talkative level, whatever goes right or wrong, no log line holds a key, a secret, a signature,
// an identity of a payer, or what a payer is given to pay by.
import { afterAll, beforeAll, expect, test } from "vitest";
import { getChannelAccount } from "../../server/src/modules/channel-account/index.ts";
import { createKey } from "../platform/merchants.ts";
import { codeOf, methods, nextNumber, OPENID, PAYER_IP, paymentBody } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

let platform: Platform;
const lines: string[] = [];

beforeAll(async () => {
  platform = await startPlatform({ direct: true, logs: { write: (line) => lines.push(line) } });
});

afterAll(async () => {
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

/** What must not be in a log, by a name that says where it came from. */
const secrets = new Map<string, string>();

function keep(name: string, value: unknown): void {
  if (typeof value === "string" && value.length >= 8) secrets.set(name, value);
}

/** A PEM has line feeds, which a log would escape: a line from its middle tells as well. */
function keepPem(name: string, pem: string): void {
  keep(name, pem.split("\n")[3]);
}

async function keepAccounts(): Promise<void> {
  const { services, merchant, direct } = platform;
  for (const [owner, { accounts, key, webhook_secret }] of Object.entries({ merchant, direct })) {
    keep(`${owner} key`, key);
    keep(`${owner} webhook secret`, webhook_secret.replace("whsec_", ""));
    for (const [channel, id] of Object.entries(accounts)) {
      const account = (await services.accounts.open(id))!;
      for (const [name, secret] of Object.entries(account.secrets)) {
        const value = secret.reveal();
        if (value.includes("-----BEGIN")) keepPem(`${channel} ${name}`, value);
        else keep(`${channel} ${name}`, value);
      }
      expect(await getChannelAccount(services.db, id)).not.toHaveProperty("secrets");
    }
  }
}

async function payEverything(): Promise<void> {
  for (const method of methods) {
    const key = method.endsWith("h5") ? platform.direct.key : platform.merchant.key;
    const body = paymentBody(method, { notify_url: `${platform.receiver.url}?token=receiver-token-1` });
    const payment = await platform.post("/v1/payments", body, {
      key,
      headers: { "idempotency-key": `idem-secret-1${method}` },
    });
    keep(`${method} code`, codeOf(payment));
    for (const [name, value] of Object.entries(payment.action.parameters ?? {})) {
      if (name === "paySign") keep("paySign", value);
    }
    await platform.sandbox.pay(codeOf(payment));
    await platform.settle();
    const trade = await platform.sandbox.trade(payment.serial_no);
    keep(`${method} payer`, trade.payer);
    await platform.post(
      "/v1/refunds",
      { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 7 },
      { key },
    );
    await platform.settle();
  }
}

/** Everything that makes the platform complain. */
async function goWrong(): Promise<void> {
  const { sandbox, call, post } = platform;
  for (const channel of ["wechat", "alipay"] as const) {
    const method = channel === "wechat" ? "wechat.native" : "alipay.qr";
    for (const fault of ["timeout_after", "bad_signature", "html", "system_error", "rate_limit"]) {
      await sandbox.fault(channel, "pay", fault);
      await post("/v1/payments", paymentBody(method));
    }
    for (const fault of ["bad_signature", "tampered", "wrong_amount", "wrong_merchant"]) {
      const payment = await post("/v1/payments", paymentBody(method, { notify_url: platform.receiver.url }));
      await sandbox.fault(channel, "notice", `notice_${fault}`);
      await sandbox.fault(channel, "query", "wrong_amount");
      await sandbox.pay(codeOf(payment));
      await platform.settle();
    }
  }
  platform.receiver.answer.status = 500;
  const told = await post("/v1/payments", paymentBody("wechat.native", { notify_url: platform.receiver.url }));
  await sandbox.pay(codeOf(told));
  await platform.advance(60_000);
  platform.receiver.answer.status = 204;
  const wrongKey = `${platform.merchant.key.slice(0, -4)}zzzz`;
  keep("a wrong key", wrongKey);
  await call("GET", "/v1/payments", undefined, { key: wrongKey });
  await call("POST", "/v1/payments", `{"payer": {"openid": "${OPENID}"}, "amount": `);
  await call("POST", "/v1/payments", {
    ...paymentBody("cashier"),
    payer: { openid: OPENID, extra: "extra-personal-1" },
  });
  keep("an unknown field's value", "extra-personal-1");
  await call("GET", "/v1/payments?out_trade_no=1&token=query-secret-1");
  keep("a query", "query-secret-1");
}

/** A database that refuses in the middle quotes rows in its error. */
async function breakDatabase(): Promise<void> {
  const { db } = platform.services;
  const statement = (text: string) => ({ name: `test.${text.length}`, text, tenancy: "platform" }) as Json;
  const made = await platform.post("/v1/payments", paymentBody("wechat.jsapi"));
  await platform.sandbox.pay(codeOf(made), { notify: false });
  await db.query(statement("alter table attempts add constraint test_refuses check (channel_payer is null) not valid"));
  await platform.settle();
  await platform.advance(30_000);
  await platform.sandbox.replay(made.serial_no);
  await db.query(statement("alter table attempts drop constraint test_refuses"));
  await platform.advance(3_600_000);
  expect((await platform.get(`/v1/payments/${made.id}`)).status).toBe("succeeded");
}

test("no line holds a secret or a payer", async () => {
  await keepAccounts();
  keep("a new key", await createKey(platform.services, platform.merchant));
  keep("openid", OPENID);
  keep("the payer's address", PAYER_IP);
  keep("an Idempotency-Key", "idem-secret-1");
  keep("a receiver's token", "receiver-token-1");
  await payEverything();
  await goWrong();
  await breakDatabase();

  const text = lines.join("");
  // It was logged that the database refused, though not what.
  expect(text).toContain("test_refuses");
  expect(lines.length).toBeGreaterThan(50);
  const levels = new Set(lines.map((line) => JSON.parse(line).level));
  for (const level of ["debug", "warn", "error"]) expect(levels).toContain(level);
  expect(secrets.size).toBeGreaterThan(20);
  const shown = [...secrets].filter(([, secret]) => text.includes(secret) || text.includes(encodeURIComponent(secret)));
  const where = shown.map(([name, secret]) => [name, lines.find((line) => line.includes(secret))?.slice(0, 600)]);
  expect(where).toEqual([]);
  expect(text).not.toMatch(/Bearer |sk_test_|sk_live_|whsec_|PRIVATE KEY|WECHATPAY2-SHA256|signature="/);
});
