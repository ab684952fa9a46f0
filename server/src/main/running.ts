/** Starts the roles of a process in order, and stops them in the opposite order. */
import { join } from "node:path";
import { systemClock } from "../kit/clock.ts";
import type { ApiServer } from "../kit/http/api.ts";
import { createLogger, type Logger } from "../kit/log.ts";
import { systemRandom } from "../kit/random.ts";
import { listChannelAccounts } from "../modules/channel-account/index.ts";
import { createApi } from "./api.ts";
import type { Config } from "./config.ts";
import { openDatabase } from "./database.ts";
import { describeExposure } from "./exposure.ts";
import { loadMasterKeys } from "./master-key.ts";
import { migrate } from "./migrate.ts";
import type { Role } from "./roles.ts";
import { type SandboxProcess, startSandboxProcess } from "./sandbox-process.ts";
import { createServices, type Services } from "./services.ts";
import { StartError } from "./start-error.ts";

export interface Running {
  services: Services;
  sandbox_url: string | undefined;
  stop(): Promise<void>;
}

/** Starts everything that the roles need. What was started is stopped again when a later part cannot start. */
export async function startRoles(
  config: Config,
  roles: ReadonlySet<Role>,
  say: (message: string) => void,
): Promise<Running> {
  // Before anything runs: a database on its way up would be left behind.
  if (config.mode === "production" && roles.has("sandbox")) {
    throw new StartError("The sandbox is for trying out: start production with --roles api,worker.");
  }
  const stops: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const step of stops.splice(0).reverse()) await step();
  };
  try {
    const log = createLogger(config.log_level);
    const keys = loadMasterKeys(config, systemRandom, say);
    const [database, sandbox] = await Promise.allSettled([
      openDatabase(config, say),
      roles.has("sandbox") ? startSandbox(config, log) : undefined,
    ]);
    if (database.status === "fulfilled") stops.push(database.value.stop);
    if (sandbox.status === "fulfilled" && sandbox.value) stops.push(sandbox.value.stop);
    if (database.status === "rejected") throw database.reason;
    if (sandbox.status === "rejected") throw sandbox.reason;
    await migrate(database.value.url);
    const services = createServices(
      { ...config, database_url: database.value.url },
      { clock: systemClock, random: systemRandom, log, master_keys: keys },
    );
    stops.push(services.close);
    const sandbox_url = sandbox.value?.url ?? (config.mode === "demo" ? config.sandbox_public_url : undefined);
    if (roles.has("api") || roles.has("worker")) await prepareChannels(services);
    if (roles.has("worker")) stops.push(startWorkers(services));
    if (roles.has("api")) stops.push(await listen(config, services, sandbox_url));
    const exposure = describeExposure(config, roles);
    if (exposure !== undefined) say(exposure);
    return {
      services,
      sandbox_url,
      async stop() {
        database.value.markStopping();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const ACCOUNTS_MAX = 10_000;

/** Has the channels that some account is of load what a payer would otherwise wait for, and all other requests too. */
export async function prepareChannels({ db, payment }: Services): Promise<void> {
  const accounts = await listChannelAccounts(db, null, ACCOUNTS_MAX);
  for (const id of new Set(accounts.map(({ channel }) => channel))) await payment.getChannel(id)?.prepare?.();
}

function startSandbox(config: Config, log: Logger): Promise<SandboxProcess> {
  const data_file = join(config.data_dir, "sandbox.json");
  const { sandbox_port: port, sandbox_host: host, sandbox_public_url: url } = config;
  return startSandboxProcess({ port, host, url, data_file }, (code) =>
    log.error({ code }, "the sandbox ended by itself; payments in test mode stay unknown until it is started again"),
  );
}

function startWorkers(services: Services): () => Promise<void> {
  for (const worker of services.workers) worker.start();
  return async () => {
    await Promise.all(services.workers.map((worker) => worker.stop()));
  };
}

async function listen(
  config: Config,
  services: Services,
  sandbox_url: string | undefined,
): Promise<() => Promise<void>> {
  const server: ApiServer = await createApi(services, { ...config, sandbox_url });
  await services.authenticator.start();
  await services.stops.start();
  try {
    await server.listen({ port: config.port, host: config.host });
  } catch (error) {
    await services.authenticator.stop();
    await services.stops.stop();
    throw new StartError(explainListen(config, error));
  }
  return async () => {
    await server.close();
    await services.authenticator.stop();
    await services.stops.stop();
  };
}

function explainListen(config: Config, error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE") {
    return `Port ${config.port} is in use: stop the program that holds it, or set PORT to another one.`;
  }
  if (code === "EACCES") return `Port ${config.port} may not be opened by this user: set PORT to one above 1023.`;
  if (code === "EADDRNOTAVAIL") return `This machine has no address ${config.host}: set HOST to one that it has.`;
  return error instanceof Error ? `The server cannot listen: ${error.message}.` : String(error);
}
