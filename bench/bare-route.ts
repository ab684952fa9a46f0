/**
 * The limit that creating payments is measured against, a process of its own: a Fastify route without hooks, schema or
 * authentication that does one plain INSERT of the same row, prepared, and answers with its id. The table is a copy with
 * the same indexes and checks.
 *
 * Arguments: the database's address, and what the first payment of the comparison shares: merchant and app.
 */
import type { AddressInfo } from "node:net";
import { fastify } from "fastify";
import pg from "pg";
import { systemClock, toRfc3339 } from "../server/src/kit/clock.ts";
import { createIdSource } from "../server/src/kit/id.ts";
import { systemRandom } from "../server/src/kit/random.ts";

const [database_url, merchant_id, app_id] = process.argv.slice(2);
const CONNECTIONS = 10;
const LIFETIME_MS = 7_200_000;

const insert = `insert into bench_payments (merchant_id, id, app_id, livemode, out_trade_no, request_hash, status, amount,
    currency, subject, metadata, expires_at, created_at, due_at)
  values ($1, $2, $3, false, $4, $5, 'created', $6, $7, $8, '{}', $9, $10, $9)`;

const pool = new pg.Pool({ connectionString: database_url, max: CONNECTIONS });
const ids = createIdSource(systemClock, systemRandom);
const request_hash = Buffer.alloc(32, 7);
const server = fastify();

server.post("/v1/payments", async (request, reply) => {
  const { out_trade_no, amount, currency, subject } = request.body as Record<string, string>;
  const now = systemClock.now();
  const id = ids.uuid();
  const times = [toRfc3339(now + LIFETIME_MS), toRfc3339(now)];
  const values = [merchant_id, id, app_id, out_trade_no, request_hash, amount, currency, subject, ...times];
  await pool.query({ name: "insert", text: insert, values });
  return reply.code(201).send({ id });
});

await server.listen({ port: 0, host: "127.0.0.1" });
process.stdout.write(`http://127.0.0.1:${(server.server.address() as AddressInfo).port}\n`);
process.on("SIGTERM", () => void server.close().then(() => pool.end()));
