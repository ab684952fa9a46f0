// Guarantee: money is believed on a channel's signed and fitting word only, once, and whenever that word comes: before
// the create call has returned, twice, ten at once, after close, after expiry. What is acknowledged is committed.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { platformStatement } from "../../server/src/kit/sql/statement.ts";
import { getChannelAccount } from "../../server/src/modules/channel-account/index.ts";
import { createTestMerchant, type TestMerchant } from "../platform/merchants.ts";
import { codeOf, paymentBody, type TestMethod } from "../platform/payments.ts";
import { type Platform, type SecondProcess, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

let platform: Platform;
/** Another merchant on the platform's accounts. */
let neighbour: TestMerchant;
/** Where notices end that a test wants to deliver by itself. */
let letterbox: Letterbox;
/** Creates payments whose notices go to the letterbox. */
let diverting: SecondProcess;

beforeAll(async () => {
  platform = await startPlatform({ direct: true });
  const { services, sandbox, merchant } = platform;
  neighbour = await createTestMerchant(services, sandbox.url, merchant.accounts);
  letterbox = await openLetterbox();
  diverting = await platform.startSecond(letterbox.url);
});

afterAll(async () => {
  letterbox.close();
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

const bothChannels = [
  { channel: "wechat", method: "wechat.native" },
  { channel: "alipay", method: "alipay.qr" },
] as const;
const giveAnotherConfig = platformStatement(
  "test.give_another_config",
  "update channel_accounts set config = $2::jsonb, version = version + 1 where id = $1",
);
const create = (method: Parameters<typeof paymentBody>[0], more: object = {}): Promise<Json> =>
  platform.post("/v1/payments", paymentBody(method, { notify_url: platform.receiver.url, ...more }));
const read = (payment: Json): Promise<Json> => platform.get(`/v1/payments/${payment.id}`);
const eventsAbout = (payment: Json) => platform.receiver.about(payment.id).map(({ type }) => type);
/** Whether each try to deliver was acknowledged. */
const triesOf = async (payment: Json) =>
  (await platform.sandbox.notices(payment.serial_no)).map(({ accepted }) => accepted);

describe.each(bothChannels)("$channel", ({ channel, method }) => {
  test.each(["notice_bad_signature", "notice_tampered"])(
    "%s changes nothing; the next good one does",
    async (fault) => {
      const payment = await create(method);
      await platform.sandbox.fault(channel, "notice", fault);
      await platform.sandbox.pay(codeOf(payment));
      await platform.sandbox.settle();
      expect((await read(payment)).status).toBe("processing");
      expect(await triesOf(payment)).toEqual([false]);
      const [again] = await platform.sandbox.replay(payment.serial_no);
      expect(again.accepted).toBe(true);
      expect((await read(payment)).status).toBe("succeeded");
    },
  );

  test.each(["notice_wrong_amount", "notice_wrong_merchant"])("%s: asked for, never believed", async (fault) => {
    const payment = await create(method);
    await platform.sandbox.fault(channel, "notice", fault);
    await platform.sandbox.pay(codeOf(payment));
    await platform.sandbox.settle();
    expect((await read(payment)).status).toBe("processing");
    expect(await triesOf(payment)).toEqual([false]);
    // The channel is asked at once, without waiting for its next notice.
    await platform.settle();
    expect(await read(payment)).toMatchObject({ status: "succeeded", amount: 1234 });
  });

  test("twice and ten at once, it is one success, one posting and one event", async () => {
    const payment = await create(method);
    await platform.sandbox.fault(channel, "notice", "notice_duplicate");
    await platform.sandbox.pay(codeOf(payment));
    const copies = await platform.sandbox.replay(payment.serial_no, { times: 10 });
    await platform.settle();
    expect(copies.map(({ accepted }) => accepted)).toEqual(Array(10).fill(true));
    expect(await triesOf(payment)).toEqual(Array(12).fill(true));
    expect(eventsAbout(payment)).toEqual(["payment.succeeded"]);
  });

  test("before the create call has returned, the notice wins and the late answer changes nothing", async () => {
    const body = paymentBody(method, { notify_url: platform.receiver.url });
    await platform.sandbox.fault(channel, "pay", "slow", { delay_ms: 400 });
    const creating = platform.post("/v1/payments", body);
    await payTradeOf(body.out_trade_no);
    expect((await listed(body.out_trade_no)).status).toBe("succeeded");
    const created = await creating;
    expect(created).toMatchObject({ status: "succeeded", action: { type: "none" } });
    await platform.settle();
    expect(eventsAbout(created)).toEqual(["payment.succeeded"]);
  });

  test("although the create call never returned, the notice is enough", async () => {
    const body = paymentBody(method, { notify_url: platform.receiver.url });
    await platform.sandbox.fault(channel, "pay", "timeout_after");
    const created = await platform.post("/v1/payments", body);
    expect(created).toMatchObject({ status: "processing", action: { type: "none" } });
    await payTradeOf(body.out_trade_no);
    expect((await read(created)).status).toBe("succeeded");
  });

  test("late, it is still good", async () => {
    const payment = await create(method);
    await platform.sandbox.fault(channel, "notice", "notice_late", { delay_ms: 10_000 });
    await platform.sandbox.pay(codeOf(payment));
    await platform.settle();
    expect((await read(payment)).status).toBe("processing");
    await platform.advance(10_000);
    expect((await read(payment)).status).toBe("succeeded");
    expect(await triesOf(payment)).toEqual([true]);
  });

  test("sent to another account's, merchant's or channel's address, it is nobody's", async () => {
    const { payment, letter } = await captureNotice(method);
    const { merchant, direct } = platform;
    const others = [
      letter.path.replace(merchant.merchant_id, neighbour.merchant_id),
      letter.path.replace(merchant.merchant_id, platform.services.ids.uuid()),
      letter.path.replace(merchant.accounts[channel], direct.accounts[channel]),
      letter.path.replace(`/notify/${channel}/`, channel === "wechat" ? "/notify/alipay/" : "/notify/wechat/"),
    ];
    for (const path of others) {
      expect(path).not.toBe(letter.path);
      expect(await deliver(letter, path)).toBe(400);
    }
    const nowhere = letter.path.replace(merchant.accounts[channel], platform.services.ids.uuid());
    expect(await deliver(letter, nowhere)).toBe(404);
    expect((await read(payment)).status).toBe("processing");
    // Looked up together with the true one, another merchant's is still nobody's.
    const taken = channel === "wechat" ? 204 : 200;
    expect(await Promise.all([deliver(letter, others[0]), deliver(letter), deliver(letter, others[1])])).toEqual([
      400,
      taken,
      400,
    ]);
    expect((await read(payment)).status).toBe("succeeded");
  });

  test("an hour later, the same bytes are stale for WeChat, and true for Alipay whose retries take a day", async () => {
    const { payment, letter } = await captureNotice(method);
    platform.clock.advance(3_600_000);
    expect(await deliver(letter)).toBe(channel === "wechat" ? 400 : 200);
    expect((await read(payment)).status).toBe(channel === "wechat" ? "processing" : "succeeded");
    await platform.settle();
    expect((await read(payment)).status).toBe("succeeded");
  });

  test("about another app than the account's, it is not believed", async () => {
    const { payment, letter } = await captureNotice(method);
    const { services, merchant } = platform;
    const id = merchant.accounts[channel];
    const { config } = await getChannelAccount(services.db, id);
    const field = channel === "wechat" ? "appid" : "app_id";
    // No use case gives an account another app: the table is changed behind its back.
    const configure = async (app: unknown) => {
      await services.db.query(giveAnotherConfig, [id, JSON.stringify({ ...config, [field]: app })]);
      await expect.poll(async () => (await services.accounts.open(id))?.config[field]).toBe(app);
    };
    await configure(channel === "wechat" ? "wx00000000000000aa" : "2021000000000009");
    expect(await deliver(letter)).toBe(400);
    expect((await read(payment)).status).toBe("processing");
    await configure(config[field]);
    expect(await deliver(letter)).toBeLessThan(300);
    expect((await read(payment)).status).toBe("succeeded");
  });

  test("with one byte changed, or without its signature, it is nobody's word", async () => {
    const { payment, letter } = await captureNotice(method);
    const changed = letter.body.replace(/\d(?=\D*$)/, (digit) => `${(Number(digit) + 1) % 10}`);
    expect(changed).not.toBe(letter.body);
    expect(await deliver({ ...letter, body: changed })).toBe(400);
    expect(await deliver({ ...letter, body: "" })).toBe(400);
    expect(await deliver({ ...letter, body: "{}" })).toBe(400);
    expect(await deliver({ ...letter, body: "x".repeat(70_000) })).toBe(413);
    expect((await read(payment)).status).toBe("processing");
    expect(await deliver(letter)).toBeLessThan(300);
  });

  test("the reordered notices of two payments find their own", async () => {
    const [one, two] = [await create(method), await create(method)];
    await platform.sandbox.fault(channel, "notice", "notice_reordered");
    await platform.sandbox.pay(codeOf(one));
    await platform.sandbox.pay(codeOf(two));
    await platform.settle();
    expect([(await read(one)).status, (await read(two)).status]).toEqual(["succeeded", "succeeded"]);
    expect((await read(one)).channel_trade_no).not.toBe((await read(two)).channel_trade_no);
  });
});

/** Pays the order of a create call that may still be under way. */
async function payTradeOf(out_trade_no: string): Promise<void> {
  for (;;) {
    const { serial_no } = (await listed(out_trade_no)) ?? {};
    const trade = serial_no && (await platform.sandbox.trade(serial_no).catch(() => undefined));
    if (trade) {
      await platform.sandbox.pay(serial_no);
      return platform.sandbox.settle();
    }
  }
}

async function listed(out_trade_no: string): Promise<Json> {
  return (await platform.get(`/v1/payments?out_trade_no=${out_trade_no}`)).data[0];
}

interface Letter {
  path: string;
  headers: Record<string, string>;
  body: string;
}

interface Letterbox {
  url: string;
  letters: Letter[];
  close(): void;
}

/** An address that keeps what the channels send and acknowledges nothing. */
async function openLetterbox(): Promise<Letterbox> {
  const letters: Letter[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const kept = Object.entries(request.headers as Record<string, string>).filter(([name]) =>
        /^(wechatpay-|content-type)/.test(name),
      );
      const body = Buffer.concat(chunks).toString("utf8");
      letters.push({ path: request.url ?? "", headers: Object.fromEntries(kept), body });
      response.writeHead(503).end();
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, letters, close: () => server.close().closeAllConnections() };
}

/** A paid payment, and the genuine notice of it, which has not reached us. */
async function captureNotice(method: TestMethod): Promise<{ payment: Json; letter: Letter }> {
  const { body: payment } = await diverting.call("POST", "/v1/payments", paymentBody(method));
  await platform.sandbox.pay(codeOf(payment));
  await platform.sandbox.settle();
  return { payment, letter: letterbox.letters.at(-1)! };
}

/** Sends a notice to us. Gives the status of the answer. */
async function deliver({ path, headers, body }: Letter, to = path): Promise<number> {
  return (await fetch(`${platform.public_url}${to}`, { method: "POST", headers, body })).status;
}
