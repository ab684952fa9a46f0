/**
 * The processor time that calls of a channel take, in a process of its own: payments ordered at the sandbox through the
 * adapter, RSA signed and verified alone, and the choice of the account. All threads count, so RSA on the pool does too.
 *
 * Takes the sandbox's address, prints one line of JSON (`ChannelCost`).
 */
import { generateKeyPairSync, sign, verify } from "node:crypto";
import { promisify } from "node:util";
import { createChannelCaller } from "../server/src/channels/call.ts";
import type { ChannelAccount, Method, PayInput } from "../server/src/channels/contract.ts";
import { getChannel } from "../server/src/channels/registry.ts";
import { systemClock } from "../server/src/kit/clock.ts";
import { createIdSource, encodeUuid } from "../server/src/kit/id.ts";
import { createLogger } from "../server/src/kit/log.ts";
import { systemRandom } from "../server/src/kit/random.ts";
import { registrations } from "../server/src/main/demo/sandbox-merchants.ts";
import { type DecisionInput, decide } from "../server/src/modules/routing/decide.ts";
import type { RoutingRule } from "../server/src/modules/routing/rule.ts";

/** Milliseconds of processor time for one payment. */
export interface ChannelCost {
  /** By channel, of those that have an order each. */
  calls_ms: Record<string, number>;
  rsa_ms: number;
  routing_ms: number;
}

const CALLS = 2_000;
const DECISIONS = 50_000;
const AT_ONCE = 16;

const ids = createIdSource(systemClock, systemRandom);

/** Milliseconds of processor time of one `work`, after a warm-up. */
async function cost(count: number, work: () => unknown): Promise<number> {
  await repeat(Math.ceil(count / 4), work);
  const before = process.cpuUsage();
  await repeat(count, work);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / count;
}

async function repeat(count: number, work: () => unknown): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await work();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** An order that each channel takes online. */
const orders: Readonly<Record<string, { method: Method; currency: string }>> = {
  wechat: { method: "wechat.native", currency: "CNY" },
  alipay: { method: "alipay.qr", currency: "CNY" },
  unionpay: { method: "unionpay.qr", currency: "CNY" },
  stripe: { method: "stripe.checkout", currency: "USD" },
  paypal: { method: "paypal.checkout", currency: "USD" },
};

async function measureCalls(sandbox_url: string, channel_id: string): Promise<number> {
  const registered = await registrations[channel_id]!(sandbox_url, "Bench");
  const account: ChannelAccount = { ...registered, id: ids.uuid(), version: 1, livemode: false };
  const caller = createChannelCaller({ clock: systemClock, random: systemRandom, log: createLogger("warn") });
  const channel = getChannel(channel_id)!;
  const { method, currency } = orders[channel_id]!;
  await channel.prepare?.();
  const spent = await cost(CALLS, async () => {
    const now = systemClock.now();
    const id = ids.uuid();
    const input: PayInput = {
      ...{ serial_no: encodeUuid(id), owner: id, method, created_at: now, expires_at: now + 7_200_000 },
      ...{ amount: { amount: 1_234n, currency }, subject: "一杯咖啡", payer: {} },
      ...{ notify_url: "http://127.0.0.1:9/notify", return_url: "http://127.0.0.1:9/back" },
    };
    const outcome = await caller.pay(channel, account, input);
    if (outcome.kind !== "pending") throw new Error(`a payment was not ordered: ${JSON.stringify(outcome)}`);
  });
  await caller.end();
  return spent;
}

function measureRsa(): Promise<number> {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const message = Buffer.alloc(500, 120);
  const signature = sign("sha256", message, privateKey);
  const signLater = promisify(sign) as unknown as (...given: unknown[]) => Promise<Buffer>;
  return cost(CALLS, async () => {
    await signLater("sha256", message, privateKey);
    verify("sha256", message, publicKey, signature);
  });
}

/** Ten rules of which the last decides, by weight, among three accounts. */
function measureRouting(): Promise<number> {
  const owner = { merchant_id: ids.uuid(), livemode: false };
  const accounts = Array.from({ length: 3 }, () => ({ ...owner, id: ids.uuid(), channel: "wechat" }));
  const said = { app_id: null, priority: 1, name: "rule", sticky: false, time_zone: "Asia/Shanghai", created_at: 0 };
  const rules = Array.from({ length: 10 }, (_, index): RoutingRule => {
    const weighted = accounts.map(({ id }, place) => ({ account: id, weight: place + 1 }));
    const condition = `amount > ${1_000 * (9 - index)} && method.startsWith("wechat") && hour >= 0`;
    return { ...owner, ...said, id: ids.uuid(), condition, target: { kind: "weighted", accounts: weighted } };
  });
  const input: Omit<DecisionInput, "seed"> = {
    rules,
    candidates: accounts.map((account) => ({
      account: { ...account, funding_mode: "pooled", status: "enabled", methods: ["wechat.native"] },
      refusal: undefined,
    })),
    ...{ app_id: ids.uuid(), at: systemClock.now(), last_account: undefined, costOf: () => undefined },
    facts: {
      ...{
        amount: 1n,
        currency: "CNY",
        method: "wechat.native",
        channel: "wechat",
        app: "app",
        store: "",
        metadata: {},
      },
    },
    outcomesOf: () => ({ succeeded: 0, failed: 0 }),
  };
  let count = 0;
  return cost(DECISIONS, () => {
    count += 1;
    const { decision } = decide({ ...input, seed: `payment ${count}` });
    if (decision.strategy !== "weighted") throw new Error("no rule decided");
  });
}

const calls_ms: Record<string, number> = {};
for (const channel_id of Object.keys(orders)) calls_ms[channel_id] = await measureCalls(process.argv[2]!, channel_id);

const measured: ChannelCost = {
  calls_ms,
  rsa_ms: await measureRsa(),
  routing_ms: await measureRouting(),
};
process.stdout.write(`${JSON.stringify(measured)}\n`);
process.exit(0);
