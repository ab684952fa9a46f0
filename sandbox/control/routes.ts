/** The control plane: JSON under /control, separate from every channel's protocol. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import {
  alipay_merchant_fields,
  describeAlipayMerchant,
  registerAlipayMerchant,
  rotateAlipayKeys,
} from "../alipay/provision.ts";
import { clearTrades as clearAlipay } from "../alipay/state.ts";
import type { Sandbox } from "../context.ts";
import { behaviours, code_channels } from "../kit/auth-codes.ts";
import { readDiscrepancies } from "../kit/bills.ts";
import { type Channel, channels, faultNames, operations } from "../kit/faults.ts";
import {
  ControlError,
  choice,
  type Fields,
  flag,
  optionalText,
  readFields,
  requiredText,
  wholeNumber,
} from "../kit/input.ts";
import {
  describePaypalMerchant,
  paypal_merchant_fields,
  registerPaypalMerchant,
  rotatePaypalKeys,
} from "../paypal/provision.ts";
import { clearTrades as clearPaypal } from "../paypal/state.ts";
import {
  describeStripeMerchant,
  registerStripeMerchant,
  rotateStripeKeys,
  stripe_merchant_fields,
} from "../stripe/provision.ts";
import { clearTrades as clearStripe } from "../stripe/state.ts";
import {
  describeUnionpayMerchant,
  registerUnionpayMerchant,
  rotateUnionpayKeys,
  unionpay_merchant_fields,
} from "../unionpay/provision.ts";
import { clearTrades as clearUnionpay } from "../unionpay/state.ts";
import {
  describeWechatMerchant,
  registerWechatMerchant,
  rotateWechatKeys,
  wechat_merchant_fields,
} from "../wechat/provision.ts";
import { clearTrades as clearWechat } from "../wechat/state.ts";
import { type DisputeMove, decide, disputeTrade, endRefund, replayNotices } from "./pay.ts";
import { findTrade } from "./resolve.ts";
import { listTrades, showTrade } from "./show.ts";
import { wechat_controls } from "./wechat.ts";

type Work = (sandbox: Sandbox, request: FastifyRequest) => Fields | Promise<Fields>;

/** Answers JSON, and turns a ControlError into `{"error": "a sentence"}`. */
function answer(sandbox: Sandbox, work: Work): (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply> {
  return async (request, reply) => {
    try {
      refuseForeignPages(sandbox, request);
      return reply.code(200).send(await work(sandbox, request));
    } catch (error) {
      if (!(error instanceof ControlError)) throw error;
      return reply.code(error.status).send({ error: error.message });
    }
  };
}

/** How each channel registers a merchant, and gives itself new keys. */
const registrations: Record<
  Channel,
  {
    fields: readonly string[];
    register: (sandbox: Sandbox, fields: Fields) => Promise<Fields>;
    /** Where the channel allows it, the old keys stay good for `overlap_s`. */
    rotate: (sandbox: Sandbox, merchant: string, overlap_s: number) => Promise<Fields>;
  }
> = {
  wechat: { fields: wechat_merchant_fields, register: registerWechatMerchant, rotate: rotateWechatKeys },
  alipay: { fields: alipay_merchant_fields, register: registerAlipayMerchant, rotate: rotateAlipayKeys },
  unionpay: { fields: unionpay_merchant_fields, register: registerUnionpayMerchant, rotate: rotateUnionpayKeys },
  stripe: { fields: stripe_merchant_fields, register: registerStripeMerchant, rotate: rotateStripeKeys },
  paypal: { fields: paypal_merchant_fields, register: registerPaypalMerchant, rotate: rotatePaypalKeys },
};

async function registerMerchant(sandbox: Sandbox, request: FastifyRequest): Promise<Fields> {
  const known = [...new Set(Object.values(registrations).flatMap(({ fields }) => fields))];
  const channel = choice(readFields(request.body, known), "channel", channels);
  const { fields, register } = registrations[channel];
  const made = await register(sandbox, readFields(request.body, fields));
  await sandbox.saveNow();
  return made;
}

async function listMerchants(sandbox: Sandbox): Promise<Fields> {
  const wechat = [...sandbox.wechat.members.values()].map((member) => describeWechatMerchant(sandbox, member));
  const alipay = [...sandbox.alipay.members.values()].map((member) => describeAlipayMerchant(sandbox, member));
  const unionpay = [...sandbox.unionpay.members.values()].map((member) => describeUnionpayMerchant(sandbox, member));
  const stripe = [...sandbox.stripe.members.values()].map((account) => describeStripeMerchant(sandbox, account));
  const paypal = [...sandbox.paypal.members.values()].map((merchant) => describePaypalMerchant(sandbox, merchant));
  return { data: [...wechat, ...(await Promise.all([...alipay, ...unionpay, ...paypal])), ...stripe] };
}

async function rotateKeys(sandbox: Sandbox, request: FastifyRequest): Promise<Fields> {
  const fields = readFields(request.body, ["channel", "merchant", "overlap_s"]);
  const overlap_s = wholeNumber(fields, "overlap_s", { min: 0, max: 7 * 86_400, fallback: 0 });
  const { rotate } = registrations[choice(fields, "channel", channels)];
  const made = await rotate(sandbox, requiredText(fields, "merchant"), overlap_s);
  await sandbox.saveNow();
  return made;
}

function pay(sandbox: Sandbox, request: FastifyRequest): Fields {
  const fields = readFields(request.body, ["code", "outcome", "payer", "notify"]);
  const code = requiredText(fields, "code");
  const outcome = choice(fields, "outcome", ["success", "fail"], "success");
  const decision = { outcome, payer: optionalText(fields, "payer"), notify: flag(fields, "notify", true) };
  return decide(sandbox, findTrade(sandbox, code), decision);
}

function addFault(sandbox: Sandbox, request: FastifyRequest): Fields {
  const fields = readFields(request.body, ["channel", "operation", "fault", "times", "merchant", "delay_ms"]);
  const merchant = optionalText(fields, "merchant");
  const delayed = fields.delay_ms !== undefined;
  return sandbox.faults.add({
    channel: choice(fields, "channel", channels),
    operation: choice(fields, "operation", [...operations, "*"] as const),
    fault: choice(fields, "fault", faultNames),
    times: wholeNumber(fields, "times", { min: 1, max: 1_000_000, fallback: 1 }),
    ...(merchant === undefined ? {} : { merchant }),
    ...(delayed && { delay_ms: wholeNumber(fields, "delay_ms", { min: 0, max: 86_400_000, fallback: 0 }) }),
  });
}

/** A code that a payer would show at a counter; nothing is told of it to the merchant. */
function drawAuthCode(sandbox: Sandbox, request: FastifyRequest): Fields {
  const fields = readFields(request.body, ["channel", "behaviour", "payer"]);
  const channel = choice(fields, "channel", code_channels);
  const behaviour = choice(fields, "behaviour", behaviours, "success");
  const drawn = sandbox.auth_codes.issue(channel, behaviour, optionalText(fields, "payer") ?? "payer-1");
  return { auth_code: drawn.code, channel, behaviour };
}

/** Publishes the bill of a day at once, bent as was asked; in addition to what was asked before, or in its place. */
function publishBill(sandbox: Sandbox, request: FastifyRequest): Fields {
  const fields = readFields(request.body, ["channel", "date", "merchant", "discrepancies", "replace"]);
  const channel = choice(fields, "channel", channels);
  const date = requiredText(fields, "date");
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date) || Number.isNaN(Date.parse(date)))
    throw new ControlError(400, '"date" must be a day such as 2026-11-20.');
  const merchant = optionalText(fields, "merchant");
  const discrepancies = readDiscrepancies(channel, fields.discrepancies);
  const name = { channel, date, ...(merchant === undefined ? {} : { merchant }) };
  if (flag(fields, "replace", false)) sandbox.bills.forget(name);
  sandbox.bills.ask(name, discrepancies, sandbox.clock.now());
  return { channel, date, discrepancies: discrepancies.length };
}

async function moveClock(sandbox: Sandbox, request: FastifyRequest): Promise<Fields> {
  const fields = readFields(request.body, ["advance", "reset"]);
  if (flag(fields, "reset", false)) sandbox.clock.reset();
  const seconds = wholeNumber(fields, "advance", { min: 0, max: 10 * 366 * 86_400, fallback: 0 });
  await sandbox.deliveries.idle();
  await sandbox.clock.advance(seconds * 1000);
  await sandbox.deliveries.idle();
  sandbox.changed();
  return showClock(sandbox);
}

function showClock(sandbox: Sandbox): Fields {
  return { now: new Date(sandbox.clock.now()).toISOString(), offset_s: Math.round(sandbox.clock.offset() / 1000) };
}

/** Forgets trades, faults, deliveries and clock moves; merchants and keys stay, unless `merchants` is true. */
async function reset(sandbox: Sandbox, request: FastifyRequest): Promise<Fields> {
  const fields = readFields(request.body, ["merchants"]);
  sandbox.faults.clear();
  sandbox.auth_codes.clear();
  sandbox.bills.clear();
  await sandbox.deliveries.clear();
  sandbox.clock.clear();
  sandbox.clock.reset();
  clearWechat(sandbox.wechat);
  clearAlipay(sandbox.alipay);
  clearUnionpay(sandbox.unionpay);
  clearStripe(sandbox.stripe);
  clearPaypal(sandbox.paypal);
  if (flag(fields, "merchants", false)) {
    sandbox.wechat.members.clear();
    sandbox.alipay.members.clear();
    sandbox.alipay.grants.clear();
    sandbox.unionpay.members.clear();
    sandbox.stripe.members.clear();
    sandbox.paypal.members.clear();
  }
  await sandbox.saveNow();
  return { reset: true };
}

async function replay(sandbox: Sandbox, request: FastifyRequest): Promise<Fields> {
  const fields = readFields(request.body, ["trade", "times", "mutate"]);
  const mutations = faultNames.filter((name) => name.startsWith("notice_"));
  const mutate = fields.mutate === undefined ? undefined : choice(fields, "mutate", mutations);
  const times = wholeNumber(fields, "times", { min: 1, max: 1000, fallback: 1 });
  return { data: await replayNotices(sandbox, requiredText(fields, "trade"), times, mutate) };
}

function finishRefund(sandbox: Sandbox, request: FastifyRequest): Fields {
  const fields = readFields(request.body, ["refund", "outcome"]);
  const outcome = choice(fields, "outcome", ["success", "abnormal", "closed"], "success");
  return endRefund(sandbox, requiredText(fields, "refund"), outcome);
}

const dispute_moves: readonly DisputeMove[] = ["open", "answer", "win", "lose", "withdraw"];

/** A payer asks the channel for the money back, or the channel goes on with that. */
function dispute(sandbox: Sandbox, request: FastifyRequest): Fields {
  const fields = readFields(request.body, ["trade", "move", "reason", "amount"]);
  const found = findTrade(sandbox, requiredText(fields, "trade"));
  const total = Number(found.trade.total);
  return disputeTrade(sandbox, found, {
    move: choice(fields, "move", dispute_moves, "open"),
    reason: optionalText(fields, "reason") ?? "fraudulent",
    amount: BigInt(wholeNumber(fields, "amount", { min: 1, max: total, fallback: total })),
  });
}

function clearFaults(sandbox: Sandbox): Fields {
  sandbox.faults.clear();
  return { data: [] };
}

function showOne(sandbox: Sandbox, request: FastifyRequest): Fields {
  return showTrade(sandbox, findTrade(sandbox, (request.params as { no: string }).no));
}

function listNotices(sandbox: Sandbox, request: FastifyRequest): Fields {
  const { trade } = request.query as { trade?: string };
  const all = sandbox.deliveries.list();
  return { data: trade === undefined ? [...all] : all.filter((delivery) => delivery.trade === trade) };
}

/**
 * Refuses what a web page elsewhere could make a browser send: a foreign `Origin`, or a foreign name that was made to
 * point here (DNS rebinding), which shows in `Host`. The control plane has no other door, as it asks for no key.
 */
function refuseForeignPages(sandbox: Sandbox, request: FastifyRequest): void {
  const { host = "", origin } = request.headers;
  const port = request.socket.localPort;
  const own = new URL(sandbox.public_url);
  const local = ["localhost", "127.0.0.1", "[::1]"].map((name) => new URL(`http://${name}:${port}`));
  const isOwn = [own, ...local].some((url) => url.host === host.toLowerCase());
  if (!isOwn) {
    const message = `The control plane answers at ${own.host} and on this machine, not as "${host}".`;
    throw new ControlError(403, message);
  }
  if (origin === undefined || [own, ...local].some((url) => url.origin === origin)) return;
  throw new ControlError(403, `The control plane does not answer pages of ${origin}.`);
}

const controls: readonly ["GET" | "POST" | "DELETE", string, Work][] = [
  ["POST", "/merchants", registerMerchant],
  ["GET", "/merchants", listMerchants],
  ["POST", "/keys/rotate", rotateKeys],
  ["POST", "/pay", pay],
  ["POST", "/auth_codes", drawAuthCode],
  ["POST", "/refunds", finishRefund],
  ["POST", "/disputes", dispute],
  ...wechat_controls,
  ["POST", "/bills", publishBill],
  ["POST", "/faults", addFault],
  ["GET", "/faults", (sandbox) => ({ data: [...sandbox.faults.list()] })],
  ["DELETE", "/faults", clearFaults],
  ["GET", "/clock", showClock],
  ["POST", "/clock", moveClock],
  ["POST", "/reset", reset],
  ["GET", "/trades", (sandbox) => ({ data: listTrades(sandbox, 100).map((found) => showTrade(sandbox, found)) })],
  ["GET", "/trades/:no", showOne],
  ["GET", "/notices", listNotices],
  ["POST", "/notices/replay", replay],
];

/** Adds the control plane and `/healthz`. */
export function addControlRoutes(app: FastifyInstance, sandbox: Sandbox): void {
  app.get("/healthz", async () => ({ status: "ok", simulation: true }));
  for (const [method, path, work] of controls) {
    app.route({ method, url: `/control${path}`, handler: answer(sandbox, work) });
  }
}
