/**
 * The sandbox: a server that speaks WeChat Pay, Alipay's openapi, UnionPay ACP, Stripe's and PayPal's
 * APIs as the channels do, and a payer's wallet. It is a simulation, for development and tests only; no money moves.
 */
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import Fastify, { type FastifyInstance } from "fastify";
import { addAlipayRoutes } from "./alipay/gateway.ts";
import { createAlipayState } from "./alipay/state.ts";
import type { Sandbox } from "./context.ts";
import { addControlRoutes } from "./control/routes.ts";
import { createAuthCodeBook } from "./kit/auth-codes.ts";
import { createBillBook } from "./kit/bills.ts";
import { createClock, machineTime } from "./kit/clock.ts";
import { createDeliveries } from "./kit/deliveries.ts";
import { createFaultBook } from "./kit/faults.ts";
import { createRandom, freshSeed } from "./kit/random.ts";
import { createSnapshot, readSnapshot } from "./kit/snapshot.ts";
import { captureMemory, restoreMemory } from "./memory.ts";
import { addPaypalRoutes } from "./paypal/gateway.ts";
import { createPaypalState } from "./paypal/state.ts";
import { addStripeRoutes } from "./stripe/gateway.ts";
import { createStripeState } from "./stripe/state.ts";
import { addUnionpayRoutes } from "./unionpay/gateway.ts";
import { createUnionpayState } from "./unionpay/state.ts";
import { addWalletRoutes } from "./wallet/routes.ts";
import { addWechatRoutes } from "./wechat/routes.ts";
import { createWechatState } from "./wechat/state.ts";

/** How to run a sandbox. */
export type SandboxOptions = {
  /** 0 takes a free port. */
  port: number;
  /** 127.0.0.1 unless told. */
  host?: string;
  /** Where merchants, keys and trades are kept; nowhere unless told. */
  dataFile?: string;
  /** Makes the numbers of a sandbox that begins empty repeatable; keys are new all the same. */
  seed?: number;
  /** What payers' browsers reach, when that is not `http://localhost:port`. */
  publicUrl?: string;
  /** A clock to follow, in milliseconds since the epoch; the machine's unless told. */
  now?: () => number;
};

/** A running sandbox. `close` ends hanging exchanges, writes the file and frees the port. */
export type RunningSandbox = { url: string; port: number; close(): Promise<void> };

function buildServer(): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: 1024 * 1024,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 256 },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.setNotFoundHandler((request, reply) => {
    reply.code(404).send({ code: "RESOURCE_NOT_EXISTS", message: `No such address: ${request.method} ${request.url}` });
  });
  return app;
}

/** Starts a sandbox. Rejects with a sentence when the port is taken or the file is damaged. */
export async function startSandbox(options: SandboxOptions): Promise<RunningSandbox> {
  const host = options.host ?? "127.0.0.1";
  const picture = options.dataFile === undefined ? undefined : await readSnapshot(options.dataFile);
  // A seed repeats what an empty sandbox does; over restored trades it would give their numbers out again.
  const seed = picture === undefined ? options.seed : undefined;
  const clock = createClock(options.now ?? machineTime, options.now !== undefined);
  const faults = createFaultBook();
  const random = createRandom(seed ?? freshSeed());
  const snapshot = createSnapshot(options.dataFile, () => captureMemory(sandbox));
  const sandbox: Sandbox = {
    clock,
    faults,
    random,
    auth_codes: createAuthCodeBook(clock, random),
    bills: createBillBook(),
    deliveries: createDeliveries(clock, faults, snapshot.changed),
    wechat: createWechatState(),
    alipay: createAlipayState(),
    unionpay: createUnionpayState(),
    stripe: createStripeState(),
    paypal: createPaypalState(),
    changed: snapshot.changed,
    saveNow: snapshot.saveNow,
    public_url: options.publicUrl ?? "",
    closing: new AbortController(),
  };
  if (picture !== undefined) restoreMemory(sandbox, picture);
  const app = buildServer();
  addControlRoutes(app, sandbox);
  addWechatRoutes(app, sandbox);
  addAlipayRoutes(app, sandbox);
  addUnionpayRoutes(app, sandbox);
  addStripeRoutes(app, sandbox);
  addPaypalRoutes(app, sandbox);
  addWalletRoutes(app, sandbox);
  await listen(app, options.port, host);
  const { port } = app.server.address() as { port: number };
  const url = `http://${host === "0.0.0.0" || host === "::" ? "localhost" : host}:${port}`;
  sandbox.public_url = (options.publicUrl ?? url).replace(/\/$/, "");
  return { url, port, close: () => closeSandbox(sandbox, app, snapshot.close) };
}

async function listen(app: FastifyInstance, port: number, host: string): Promise<void> {
  try {
    await app.listen({ port, host });
  } catch (error) {
    await app.close();
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new Error(
      `The sandbox cannot start: port ${port} of ${host} is in use. Set SANDBOX_PORT (or --port) to another one.`,
    );
  }
}

async function closeSandbox(sandbox: Sandbox, app: FastifyInstance, save: () => Promise<void>): Promise<void> {
  sandbox.closing.abort();
  sandbox.clock.stop();
  await app.close();
  await sandbox.deliveries.close();
  await save();
}

const help = `Tributary sandbox: simulated WeChat Pay, Alipay, UnionPay, Stripe and PayPal, for development and tests.

  node sandbox/main.ts [--port 8090] [--host 127.0.0.1] [--data <file>] [--seed <number>] [--public-url <url>]
`;

async function runFromCommandLine(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "8090" },
      host: { type: "string" },
      data: { type: "string" },
      seed: { type: "string" },
      "public-url": { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(help);
  const port = Number(values.port);
  const seed = values.seed === undefined ? undefined : Number(values.seed);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`--port ${values.port} is not a port (0 to 65535).`);
  if (seed !== undefined && !Number.isSafeInteger(seed))
    throw new Error(`--seed ${values.seed} is not a whole number.`);
  const sandbox = await startSandbox({
    port,
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(values.data === undefined ? {} : { dataFile: values.data }),
    ...(seed === undefined ? {} : { seed }),
    ...(values["public-url"] === undefined ? {} : { publicUrl: values["public-url"] }),
  });
  process.stdout.write(
    `Sandbox (simulated WeChat Pay, Alipay, UnionPay, Stripe and PayPal) at ${sandbox.url}, wallet at ${sandbox.url}/wallet\n`,
  );
  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    void sandbox.close().then(() => process.exit(0));
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  // Whoever started us with a channel is gone: nobody else would end us.
  process.once("disconnect", stop);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  runFromCommandLine().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });
}
