/**
 * A seeded world of merchants' systems, payers and hostile channels. Each step is drawn from a table; what the API
 * answered and what the payers were given is remembered, so that later steps come back to it.
 */
import { Client } from "pg";
import type { Random } from "../../server/src/kit/random.ts";
import { methods, nextNumber, paymentBody } from "../platform/payments.ts";
import type { Answer, Platform } from "../platform/platform.ts";
import type { ChannelName, Json } from "../platform/sandbox-control.ts";

export interface World {
  platform: Platform;
  /** The processes that serve the API. */
  calls: Platform["call"][];
  random: Random;
  /** Create requests as they were sent, for repeating. */
  bodies: { key: string; body: object }[];
  /** Ids of payments, by their keys. */
  payments: { id: string; key: string }[];
  /** Everything that a payer was ever given to pay by. */
  codes: string[];
  /** Answers that no caller should ever see. */
  bad: string[];
  /** How often each step was taken, and each refusal given. */
  tally: Map<string, number>;
}

/** A new world over a platform in which nothing has happened; its API is served by two processes. */
export async function createWorld(platform: Platform, random: Random): Promise<World> {
  const calls = [platform.call, (await platform.startSecond()).call];
  return { platform, calls, random, bodies: [], payments: [], codes: [], bad: [], tally: new Map() };
}

function below(world: World, limit: number): number {
  return Math.floor(world.random.unit() * limit);
}

function pick<T>(world: World, list: readonly T[]): T | undefined {
  return list[below(world, list.length)];
}

function count(world: World, name: string): void {
  world.tally.set(name, (world.tally.get(name) ?? 0) + 1);
}

async function call(world: World, key: string, method: "GET" | "POST", path: string, body?: object): Promise<Answer> {
  const answer = await pick(world, world.calls)!(method, path, body, { key });
  if (answer.status >= 500 && answer.body.error.code !== "api.unavailable")
    world.bad.push(`${method} ${path}: ${answer.text}`);
  if (answer.status >= 300) count(world, `refused: ${answer.body.error.code}`);
  else if (answer.body.object === "payment") remember(world, answer.body);
  return answer;
}

function remember(world: World, { action }: Json): void {
  const code = action.qr_code ?? action.url ?? action.parameters?.package;
  if (code && !world.codes.includes(code)) world.codes.push(code);
}

const exchangeFaults = ["timeout_before", "timeout_after", "http_500", "system_error", "rate_limit"];
const answerFaults = ["bad_signature", "no_signature", "html", "empty", "wrong_amount", "wrong_number"];
const refundFaults = ["refund_processing", "refund_abnormal", "refund_closed", "not_enough"];
const noticeFaults = [
  "lost",
  "late",
  "duplicate",
  "reordered",
  "tampered",
  "bad_signature",
  "wrong_amount",
  "wrong_merchant",
];
const operations = ["pay", "query", "close", "refund", "refund_query"];

const steps: Record<string, { weight: number; run(world: World): Promise<unknown> }> = {
  create: {
    weight: 20,
    async run(world) {
      const { platform } = world;
      const key = pick(world, [platform.merchant.key, platform.direct.key])!;
      const body = paymentBody(pick(world, [...methods, "cashier" as const]), {
        ...{ amount: 1 + below(world, 100_000), expires_in: 60 + below(world, 3600) },
        notify_url: platform.receiver.url,
      });
      world.bodies.push({ key, body });
      const answer = await call(world, key, "POST", "/v1/payments", body);
      if (answer.status === 201) world.payments.push({ id: answer.body.id, key });
    },
  },
  repeat: {
    weight: 5,
    async run(world) {
      const sent = pick(world, world.bodies);
      if (sent) await call(world, sent.key, "POST", "/v1/payments", sent.body);
    },
  },
  attempt: {
    weight: 12,
    async run(world) {
      const payment = pick(world, world.payments.slice(-20));
      const method = pick(world, ["wechat.native", "alipay.qr", "alipay.wap"]);
      if (payment) await call(world, payment.key, "POST", `/v1/payments/${payment.id}/attempts`, { method });
    },
  },
  pay: {
    weight: 25,
    async run(world) {
      const code = pick(world, world.codes.slice(-15));
      const outcome = below(world, 10) === 0 ? "fail" : "success";
      if (code) await world.platform.sandbox.pay(code, { outcome, notify: below(world, 5) > 0 }).catch(() => undefined);
    },
  },
  close: {
    weight: 4,
    async run(world) {
      const payment = pick(world, world.payments.slice(-20));
      if (payment) await call(world, payment.key, "POST", `/v1/payments/${payment.id}/close`);
    },
  },
  refund: {
    weight: 15,
    async run(world) {
      const payment = pick(world, world.payments.slice(-40));
      if (!payment) return;
      const { body: shown } = await call(world, payment.key, "GET", `/v1/payments/${payment.id}`);
      const amount = 1 + below(world, below(world, 2) ? shown.amount : shown.amount + 10);
      // Several at once, which together may be too much.
      const same = Array.from({ length: 1 + below(world, 3) }, () =>
        call(world, payment.key, "POST", "/v1/refunds", {
          payment: payment.id,
          out_refund_no: nextNumber("refund"),
          amount,
        }),
      );
      await Promise.all(same);
    },
  },
  fault: {
    weight: 15,
    async run(world) {
      const channel = pick<ChannelName>(world, ["wechat", "alipay"])!;
      const operation = pick(world, operations)!;
      const pool = operation === "refund" ? [...exchangeFaults, ...refundFaults] : [...exchangeFaults, ...answerFaults];
      const fault = pick(world, pool)!;
      // Not every fault exists in every operation.
      await world.platform.sandbox
        .fault(channel, operation, fault, { times: 1 + below(world, 3) })
        .catch(() => undefined);
    },
  },
  trouble_with_notices: {
    weight: 8,
    async run(world) {
      const channel = pick<ChannelName>(world, ["wechat", "alipay"])!;
      await world.platform.sandbox.fault(channel, "notice", `notice_${pick(world, noticeFaults)}`, { times: 2 });
    },
  },
  receiver: {
    weight: 4,
    async run({ platform: { receiver }, random }) {
      receiver.answer.status = random.unit() < 0.5 ? 500 : 204;
    },
  },
  cut_connections: {
    weight: 3,
    run: (world) => cutConnections(world.platform.database_url),
  },
  wait: {
    weight: 12,
    async run(world) {
      const duration_ms = 1 + below(world, pick(world, [5_000, 60_000, 900_000])!);
      // A worker whose connection is cut while it claims tries again at its next round.
      await world.platform.advance(duration_ms).catch(() => count(world, "a worker was cut off"));
    },
  },
};

/** Ends about half of the platform's connections, whatever they are doing, as a failing network or a failover does. */
async function cutConnections(database_url: string): Promise<void> {
  const client = new Client({ connectionString: database_url });
  await client.connect();
  await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name like 'tributary%' and random() < 0.5`,
  );
  await client.end();
}

const AT_ONCE_MAX = 4;

/** Takes a few steps at the same time, so that they race. Gives their names. */
export async function takeSteps(world: World): Promise<string[]> {
  const names = await Promise.all(Array.from({ length: 1 + below(world, AT_ONCE_MAX) }, () => takeStep(world)));
  world.platform.clock.advance(1);
  return names;
}

async function takeStep(world: World): Promise<string> {
  const names = Object.keys(steps);
  let at = below(
    world,
    Object.values(steps).reduce((sum, { weight }) => sum + weight, 0),
  );
  const name = names.find((candidate) => {
    at -= steps[candidate]!.weight;
    return at < 0;
  })!;
  count(world, name);
  await steps[name]!.run(world);
  return name;
}
