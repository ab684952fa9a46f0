/** The only room that opens connections and says `begin` and `commit`. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { Logger } from "../log.ts";
import type { Random } from "../random.ts";
import type { Statement } from "./statement.ts";

/**
 * Values for `$1 …`: timestamps as RFC 3339 text, amounts as bigint, arrays as literals of `arrays.ts`, JSON as text.
 */
export type SqlValue = string | number | bigint | boolean | Buffer | null;

/** Runs statements: a database (each its own transaction) or a transaction. */
export interface Sql {
  /** Rows with int8 as bigint, timestamptz as epoch milliseconds, jsonb parsed, bytea as Buffer. */
  query<Row>(statement: Statement, values?: readonly SqlValue[]): Promise<Row[]>;
}

export interface Transaction extends Sql {
  readonly kind: "transaction";
  /** Counts from 1. Work that hopes for the usual case may try it first, and throw `RunAgainError` to look closer. */
  readonly attempt: number;
}

/** A transaction over very many rows: planned for reading whole tables, and with time for it. */
export interface BulkTransaction extends Transaction {
  /** Runs a `copy … from stdin` with these pieces of its text; a piece need not be whole lines. */
  copy(statement: Statement, chunks: AsyncIterable<string | Buffer>): Promise<void>;
}

export interface Database extends Sql {
  readonly kind: "database";
  /**
   * Runs `work` in one transaction (READ COMMITTED) and commits. A serialization failure or deadlock runs `work` again
   * from the start, so `work` must have no effect outside the transaction. Nobody else commits.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * Runs `work` on the database as it is at this moment, however long it takes and whatever is written meanwhile, with
   * up to three connections that all see the same state. Statements have no time limit.
   */
  snapshot<T>(work: (lanes: readonly [Sql, Sql, Sql]) => Promise<T>): Promise<T>;
  /**
   * A transaction for work that touches very many rows at once, such as loading and matching a channel's bill: statements are
   * planned anew each time, may join by hashing, and may take half an hour. `work` is run once: it may read a stream.
   */
  bulk<T>(work: (tx: BulkTransaction) => Promise<T>): Promise<T>;
  /** Calls `listener` with each payload of a NOTIFY on `channel`; `onGap` after a reconnect, when some may be lost. */
  listen(channel: string, listener: (payload: string) => void, onGap: () => void): Promise<{ close(): Promise<void> }>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  url: string;
  connections_max: number;
  log: Logger;
  random: Random;
  statement_timeout_ms?: number;
}

const RETRYABLE_STATES = new Set(["40001", "40P01"]);
const TRANSACTION_TRIES_MAX = 6;
const BULK_CONNECTIONS_MAX = 2;

const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, (text) => BigInt(text));
types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, parseTimestamp);

/** `2026-11-20 12:00:00.123+00` to epoch milliseconds; sessions run in UTC, so the offset is always zero. */
function parseTimestamp(text: string): number {
  return Date.parse(`${text.slice(0, 10)}T${text.slice(11, text.lastIndexOf("+"))}Z`);
}

/** Opens a pool. Connects at the first use, so a database out of reach shows at the first statement. */
export function openDatabase(options: DatabaseOptions): Database {
  let closing = false;
  const openPool = (max: number, pipelining: boolean, connectionTimeoutMillis: number) => {
    const pool = new pg.Pool({
      connectionString: options.url,
      max,
      types,
      pipeline: pipelining,
      keepAlive: true,
      connectionTimeoutMillis,
      idleTimeoutMillis: 60_000,
      application_name: "tributary",
      options: `-c TimeZone=UTC -c statement_timeout=${options.statement_timeout_ms ?? 30_000} -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000`,
    } as pg.PoolConfig);
    // An idle connection that breaks (a restart of the server) is replaced by the pool at the next use.
    pool.on("error", (error) => {
      if (!closing) options.log.warn({ err: error }, "an idle database connection broke");
    });
    // One that breaks while a transaction holds it and asks nothing would otherwise end the process; the transaction's
    // next statement fails and says so.
    pool.on("connect", (client) => client.on("error", () => undefined));
    return pool;
  };
  const pool = openPool(options.connections_max, true, 5_000);
  // Bulk work waits for a place of its own instead of taking those of requests; a stream needs one without pipelining.
  const bulkPool = openPool(BULK_CONNECTIONS_MAX, false, 30 * 60_000);
  return {
    kind: "database",
    query: (statement, values = []) => runStatement(pool, statement, values),
    transaction: (work) => runTransaction(pool, options.random, work),
    snapshot: (work) => runSnapshot(pool, options.connections_max, work),
    bulk: (work) => runTransactionOnce(bulkPool, BEGIN_BULK, 1, work),
    listen: (channel, listener, onGap) => listenTo(options, channel, listener, onGap),
    async close() {
      closing = true;
      await Promise.all([pool.end(), bulkPool.end()]);
    },
  };
}

async function runStatement<Row>(
  runner: pg.Pool | pg.PoolClient,
  statement: Statement,
  values: readonly SqlValue[],
): Promise<Row[]> {
  const result = await runner.query({ name: statement.name, text: statement.text, values: values as unknown[] });
  return result.rows as Row[];
}

/**
 * Transactions take arrays and reach rows by their keys, so one plan serves every call. Left to itself PostgreSQL plans
 * each call anew, because it believes every unnest to give ten rows and a plan for fewer to be cheaper: a third of its
 * time. A plan that is kept may have been made when a table was almost empty and reading all of it was cheapest, so what
 * remains to choose from are look-ups by key. Statements outside transactions are planned as PostgreSQL likes.
 */
const BEGIN = [
  "begin",
  "set local plan_cache_mode = force_generic_plan",
  ...["seqscan", "hashjoin", "mergejoin"].map((method) => `set local enable_${method} = off`),
].join("; ");

/**
 * A hash of a million rows fits into the memory given here; a statement uses it a few times at most. Idle in the middle of
 * a transaction is a bill that the channel sends slowly.
 */
const BEGIN_BULK = [
  "begin",
  "set local plan_cache_mode = force_custom_plan",
  "set local work_mem = '64MB'",
  "set local statement_timeout = '30min'",
  "set local idle_in_transaction_session_timeout = '10min'",
].join("; ");

/** Ends this attempt of a transaction; its work is run again from the start, with a higher `attempt`. */
export class RunAgainError extends Error {
  override readonly name = "RunAgainError";
}

function mayRunAgain(error: unknown): boolean {
  return error instanceof RunAgainError || RETRYABLE_STATES.has(sqlState(error) ?? "");
}

async function runTransaction<T>(pool: pg.Pool, random: Random, work: (tx: Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runTransactionOnce(pool, BEGIN, attempt, work);
    } catch (error) {
      if (attempt >= TRANSACTION_TRIES_MAX || !mayRunAgain(error)) throw error;
      if (error instanceof RunAgainError) continue;
      await sleep(random.unit() * 5 * 2 ** attempt);
    }
  }
}

async function runTransactionOnce<T>(
  pool: pg.Pool,
  begin: string,
  attempt: number,
  work: (tx: BulkTransaction) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  let over = false;
  try {
    // Not awaited: the pipeline sends it together with the first statement. Its failure fails that statement too.
    const begun = client.query(begin);
    begun.catch(() => undefined);
    const result = await work({
      kind: "transaction",
      attempt,
      // A branch of `work` that outlives it must not write, outside any transaction, on the connection's next user.
      query: async (statement, values = []) => {
        if (over) throw new Error(`the transaction is over; ${statement.name} came too late`);
        return runStatement(client, statement, values);
      },
      copy: async (statement, chunks) => {
        if (over) throw new Error(`the transaction is over; ${statement.name} came too late`);
        // A piece may be large: no more of them are waited with than the next.
        await pipeline(Readable.from(chunks, { highWaterMark: 1 }), client.query(copyFrom(statement.text)));
      },
    });
    over = true;
    await begun;
    const ended = await client.query("commit");
    // PostgreSQL answers COMMIT of an aborted transaction with ROLLBACK and no error.
    if (ended.command !== "COMMIT") throw new Error("the transaction was aborted by a failure that its work ignored");
    return result;
  } catch (error) {
    over = true;
    await client.query("rollback").catch((rollbackError: Error) => {
      broken = rollbackError;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

const SNAPSHOT = "begin isolation level repeatable read read only; set local statement_timeout = 0";
const IDLE = "set local idle_in_transaction_session_timeout = 0";

/** The first transaction exports what it sees and the others take it over (`pg_export_snapshot`). */
function runSnapshot<T>(
  pool: pg.Pool,
  connections_max: number,
  work: (lanes: readonly [Sql, Sql, Sql]) => Promise<T>,
): Promise<T> {
  const begin = `${SNAPSHOT}; ${IDLE}`;
  return runTransactionOnce(pool, begin, 1, async (first) => {
    // A pool that is smaller would wait for itself.
    if (connections_max < 3) return work([first, first, first]);
    const [row] = await first.query<{ id: string }>(exportStatement);
    const same = `${SNAPSHOT}; ${IDLE}; set transaction snapshot ${pg.escapeLiteral(row!.id)}`;
    return runTransactionOnce(pool, same, 1, (second) =>
      runTransactionOnce(pool, same, 1, (third) => work([first, second, third])),
    );
  });
}

const exportStatement: Statement = { name: "kit.export_snapshot", text: "select pg_export_snapshot() as id" };

/** SQLSTATE of a database error, or undefined. */
export function sqlState(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith("E") ? code : undefined;
}

/** The constraint that a statement broke, or undefined. */
export function brokenConstraint(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.constraint : undefined;
}

/**
 * Whether the database could not be asked at all: connection refused or lost, shutting down, starting up. What was
 * asked may or may not have been committed.
 */
export function isUnavailable(error: unknown): boolean {
  const state = sqlState(error);
  if (state !== undefined) return state.startsWith("08") || state.startsWith("57P") || state === "53300";
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? String(error.code) : "";
  return (
    ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOENT", "ENOTFOUND"].includes(code) ||
    /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/i.test(
      error.message,
    )
  );
}

async function listenTo(
  options: DatabaseOptions,
  channel: string,
  listener: (payload: string) => void,
  onGap: () => void,
): Promise<{ close(): Promise<void> }> {
  let closed = false;
  let client: pg.Client | undefined;
  const connect = async (): Promise<void> => {
    const next = new pg.Client({
      connectionString: options.url,
      application_name: "tributary listen",
      keepAlive: true,
    });
    next.on("notification", (message) => listener(message.payload ?? ""));
    next.on("error", (error) => options.log.warn({ err: error }, "the listening connection broke"));
    await next.connect();
    await next.query(`listen ${pg.escapeIdentifier(channel)}`);
    if (closed) return next.end();
    client = next;
    // Only now: a connection that never came up ends too, and its end must not start a second loop.
    next.on("end", () => void reconnect());
  };
  const reconnect = async (): Promise<void> => {
    while (!closed) {
      onGap();
      try {
        await sleep(500);
        if (!closed) await connect();
        onGap();
        return;
      } catch {
        // The server is still away; the loop tries again until it is back or we are closed.
      }
    }
  };
  await connect();
  return {
    async close() {
      closed = true;
      await client?.end();
    },
  };
}
