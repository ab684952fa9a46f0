/** A server with the statement's routes alone, on a database of the test file's own. */
import { randomUUID } from "node:crypto";
import type { LightMyRequestResponse } from "fastify";
import { createTestDatabase } from "../../../../../test/database/test-database.ts";
import { createManualClock } from "../../../kit/clock.ts";
import type { ApiServer } from "../../../kit/http/api.ts";
import { createHttpServer } from "../../../kit/http/server.ts";
import { createIdSource } from "../../../kit/id.ts";
import { createLogger } from "../../../kit/log.ts";
import { systemRandom } from "../../../kit/random.ts";
import { type Database, openDatabase } from "../../../kit/sql/database.ts";
import { type NewPosting, post } from "../../../ledger/index.ts";
import { createMerchant } from "../../merchant/index.ts";
import { registerStatementRoutes } from "../index.ts";
import type { StatementServices } from "../services.ts";

/** Stands in the afternoon of 20 November 2026 in Shanghai. */
export const clock = createManualClock(Date.UTC(2026, 10, 20, 8));

export interface StatementStage {
  readonly db: Database;
  /** A server of its own, which the test closes, on a free port. */
  listenWith(services: StatementServices): Promise<ApiServer>;
  /** Makes a merchant; gives its uuid. */
  addMerchant(time_zone?: string): Promise<string>;
  /** Posts in one transaction, as of an instant. */
  postAt(at: number, postings: readonly NewPosting[]): Promise<void>;
  /** Asks as a merchant's key of live mode. */
  get(merchant_id: string, url: string): Promise<LightMyRequestResponse>;
  close(): Promise<void>;
}

/** The caller is whom the request's `x-caller` names. */
async function createServer(services: StatementServices): Promise<ApiServer> {
  const log = createLogger("silent");
  const server = await createHttpServer({ log, clock, random: systemRandom, base_url: "http://test.example" });
  server.addHook("onRequest", (request, _reply, done) => {
    const [merchant_id = "", mode] = String(request.headers["x-caller"]).split(" ");
    request.caller = { merchant_id, app_id: randomUUID(), livemode: mode === "live", key_id: "key" };
    done();
  });
  registerStatementRoutes(server, services);
  return server;
}

/** Opens it all. */
export async function openStage(): Promise<StatementStage> {
  const { url, drop } = await createTestDatabase();
  const db = openDatabase({ url, connections_max: 2, log: createLogger("silent"), random: systemRandom });
  const server = await createServer({ db, clock });
  const ids = createIdSource(clock, systemRandom);
  return {
    db,
    async listenWith(services) {
      const listening = await createServer(services);
      await listening.listen({ host: "127.0.0.1", port: 0 });
      return listening;
    },
    async addMerchant(time_zone = "Asia/Shanghai") {
      return (await createMerchant({ sql: db, clock, ids }, { name: "Tea house", time_zone })).id;
    },
    async postAt(at, postings) {
      await db.transaction((tx) => post(tx, postings, at));
    },
    get: (merchant_id, url) => server.inject({ method: "GET", url, headers: { "x-caller": `${merchant_id} live` } }),
    async close() {
      await server.close();
      await db.close();
      await drop();
    },
  };
}
