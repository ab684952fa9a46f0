/**
 * A day of a channel account reconciled: a bill of a million lines against a million attempts, from its file to typed
 * differences. The limit beside it is a plain COPY of the same rows and a bare hash join of them with the attempts, in the
 * same run. A line in a thousand differs.
 */
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { systemClock } from "../server/src/kit/clock.ts";
import { createIdSource, encodeUuid } from "../server/src/kit/id.ts";
import { addDays, dayOf, localDay, localText } from "../server/src/kit/local-day.ts";
import { createLogger } from "../server/src/kit/log.ts";
import { systemRandom } from "../server/src/kit/random.ts";
import { type Database, openDatabase } from "../server/src/kit/sql/database.ts";
import { platformStatement } from "../server/src/kit/sql/statement.ts";
import type { BenchRow } from "./ledger.bench.ts";
import { runProgram } from "./processes.ts";

const LINES = Number(process.env.BENCH_BILL_LINES ?? 1_000_000);
const MERCHANTS = 1_000;
const RATIO_MAX = 3;
const SECONDS_MAX = (20 * LINES) / 1_000_000;
const MEMORY_MB_MAX = 300;
const PAGE = 20_000;
const ZONE = "Asia/Shanghai";

const ids = createIdSource(systemClock, systemRandom);
const day = addDays(localDay(systemClock.now(), ZONE), -1);
const begin = dayOf(day, ZONE)!.from;

interface Measured {
  keep_s: number;
  load_s: number;
  match_s: number;
  total_s: number;
  lines: number;
  agreed: number;
  peak_mb: number;
}

/** Runs on a migrated database of its own. Throws when something else is found than what was planted. */
export async function runReconcileBench(databaseUrl: string): Promise<BenchRow[]> {
  const log = createLogger("silent");
  const db = openDatabase({ url: databaseUrl, connections_max: 2, log, random: systemRandom });
  const folder = mkdtempSync(join(tmpdir(), "tributary-bench-"));
  try {
    const channel_account_id = ids.uuid();
    await fill(db, channel_account_id);
    const path = join(folder, "bill.csv");
    await pipeline(Readable.from(billOf(db)), createWriteStream(path));
    const args = [databaseUrl, channel_account_id, day, path, join(folder, "objects")];
    const measured: Measured = JSON.parse(await runProgram(["bench/reconcile-day.ts", ...args]));
    const planted = Math.floor(LINES / 1_000);
    if (measured.agreed !== LINES - planted) throw new Error(`of ${LINES} lines ${measured.agreed} agree`);
    const limit = await bare(db);
    return rowsOf(measured, limit);
  } finally {
    await db.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function rowsOf(measured: Measured, limit_s: number): BenchRow[] {
  const ratio = measured.total_s / limit_s;
  const { keep_s, load_s, match_s } = measured;
  const parts = `keep ${keep_s.toFixed(1)}, parse and load ${load_s.toFixed(1)}, match ${match_s.toFixed(1)}`;
  const limit_name = "plain COPY and bare hash join of the same rows";
  return [
    {
      ...{ name: `(k) a bill of ${LINES} lines reconciled (${parts})`, unit: "s", limit_name },
      ...{ figure: measured.total_s, limit: limit_s, ratio, target: `≤ ${SECONDS_MAX} s, ≤ ${RATIO_MAX} ×` },
      ok: measured.total_s <= SECONDS_MAX && ratio <= RATIO_MAX,
    },
    {
      ...{ name: "(k) memory of the process that does it", unit: "MB", limit_name: "", limit: MEMORY_MB_MAX },
      ...{ figure: measured.peak_mb, ratio: measured.peak_mb / MEMORY_MB_MAX, target: `≤ ${MEMORY_MB_MAX} MB` },
      ok: measured.peak_mb <= MEMORY_MB_MAX,
    },
  ];
}

const execute = (db: Database, name: string, text: string, values: (string | number)[] = []) =>
  db.bulk((tx) => tx.query(platformStatement(`bench.reconcile_${name}`, text), values));

/** Paid attempts of a day, spread over merchants and hours, with their transactions, as the platform leaves them. */
async function fill(db: Database, account: string): Promise<void> {
  await execute(
    db,
    "account",
    `insert into channel_accounts (id, channel, name, funding_mode, livemode, methods, config, secrets_sealed, created_at)
     values ($1, 'wechat', 'bench', 'pooled', true, '{wechat.native}', '{}', '', now())`,
    [account],
  );
  // Ids of the day in the order of time; chance is the sequence's, so that the same number gives the same id.
  await execute(
    db,
    "source",
    `create table bench_source as
     select n, ('00000000-0000-7000-8000-' || lpad(to_hex(n % ${MERCHANTS}), 12, '0'))::uuid as merchant_id,
       overlay(overlay(md5(n::text) placing lpad(to_hex($1::bigint + n * 80000000 / $2::bigint), 12, '0') from 1 for 12)
         placing '7' from 13 for 1)::uuid as id,
       to_timestamp(($1::bigint + n * 80000000 / $2::bigint) / 1000.0) as paid_at,
       row_number() over (partition by n % ${MERCHANTS} order by n) as number
     from generate_series(0, $2::bigint - 1) as n`,
    [begin, LINES],
  );
  await execute(
    db,
    "payments",
    `insert into payments (merchant_id, id, app_id, livemode, out_trade_no, request_hash, status, amount, currency, subject,
       method, expires_at, created_at, succeeded_at, succeeded_attempt_id)
     select merchant_id, id, merchant_id, true, id::text, '', 'succeeded', 10000, 'CNY', 's', 'wechat.native', paid_at, paid_at,
       paid_at, id from bench_source`,
  );
  await execute(
    db,
    "attempts",
    `insert into attempts (merchant_id, id, payment_id, app_id, livemode, serial_no, channel_account_id, channel, funding_mode,
       method, status, amount, currency, fee_amount, cost_amount, expires_at, created_at, finished_at)
     select merchant_id, id, id, merchant_id, true, id::text, $1::uuid, 'wechat', 'pooled', 'wechat.native', 'succeeded', 10000,
       'CNY', 60, 38, paid_at, paid_at, paid_at from bench_source`,
    [account],
  );
  await execute(
    db,
    "books",
    `insert into ledger_books (merchant_id, livemode, number) select merchant_id, true, count(*) from bench_source group by 1`,
  );
  await execute(
    db,
    "accounts",
    `insert into ledger_accounts (merchant_id, livemode, position, id, kind, currency, scope)
     select merchant_id, true, a.position, a.position, a.kind, 'CNY', case a.position when 1 then $1::uuid else $2::uuid end
     from (select distinct merchant_id from bench_source) m,
       (values (1, 'channel_receivable'), (2, 'merchant_pending'), (3, 'fee_income'), (4, 'channel_cost')) a (position, kind)`,
    [account, "00000000-0000-0000-0000-000000000000"],
  );
  await execute(
    db,
    "transactions",
    `insert into ledger_transactions (merchant_id, livemode, number, source_id, occurred_at, posted_at, kind, entries)
     select merchant_id, true, number, id, paid_at, paid_at, 'payment_succeeded',
       array[[1, 10000, number * 9962 + 38], [2, 9940, number * 9940], [3, 60, number * 60], [4, 38, number * 38],
         [1, -38, number * 9962]]::bigint[]
     from bench_source`,
  );
  await db.query(platformStatement("bench.reconcile_vacuum", "vacuum analyze"));
}

const HEADINGS = [
  ..."交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行".split(
    ",",
  ),
  ..."货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态".split(","),
  ..."商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注".split(","),
];
const SUMMARY = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额";

/** The bill that the channel makes of them; of every thousandth line the amount is CNY 0.01 less. */
async function* billOf(db: Database): AsyncGenerator<string> {
  yield `\ufeff${HEADINGS.join(",")}\r\n`;
  let wrong = 0;
  for (let at = 0; at < LINES; at += PAGE) {
    const rows = await db.query<{ id: string; paid_at: number }>(
      platformStatement(
        "bench.reconcile_page",
        "select id, paid_at from bench_source where n >= $1 and n < $2 order by n",
      ),
      [at, Math.min(at + PAGE, LINES)],
    );
    let text = "";
    for (const [index, { id, paid_at }] of rows.entries()) {
      const isWrong = (at + index + 1) % 1_000 === 0;
      if (isWrong) wrong += 1;
      const amount = isWrong ? "99.99" : "100.00";
      const number = String(at + index).padStart(18, "0");
      text +=
        `\`${localText(paid_at, ZONE)},\`wx8888888888888888,\`1900000001,\`0,\`,\`4200001234${number},\`${encodeUuid(id)},` +
        `\`oUpF8uMuAJO_M2pxb1Q9zNjWeS6o,\`NATIVE,\`SUCCESS,\`OTHERS,\`CNY,\`${amount},\`0.00,\`0,\`0,\`0.00,\`0.00,\`,\`,\`tea,\`,` +
        `\`0.38000,\`0.38%,\`${amount},\`0.00,\`\r\n`;
    }
    yield text;
  }
  const total = (LINES * 100 - wrong / 100).toFixed(2);
  const sums = [LINES, total, "0.00", "0.00", (LINES * 0.38).toFixed(5), total, "0.00"];
  yield `${SUMMARY}\r\n${sums.map((sum) => `\`${sum}`).join(",")}\r\n`;
}

/** Seconds of a plain COPY of the lines and a bare hash join of them with the attempts. */
async function bare(db: Database): Promise<number> {
  await execute(db, "bare", "create table bench_lines (like reconciliation_lines)");
  const chunks: string[] = [];
  for (let at = 0; at < LINES; at += PAGE) {
    const rows = await db.query<{ text: string }>(
      platformStatement(
        "bench.reconcile_rows",
        `select concat_ws(e'\\t', 1, 1, n + 1, 'payment', 'succeeded', id, '\\N', '\\N',
           '4200001234' || lpad(n::text, 18, '0'), '\\N', '1900000001', 'CNY', 10000, 38,
           to_char(paid_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '\\N', 'tea') as text
         from bench_source where n >= $1 and n < $2 order by n`,
      ),
      [at, Math.min(at + PAGE, LINES)],
    );
    chunks.push(`${rows.map(({ text }) => text).join("\n")}\n`);
  }
  const from = performance.now();
  await db.bulk(async (tx) => {
    await tx.copy(platformStatement("bench.reconcile_copy", "copy bench_lines from stdin"), Readable.from(chunks));
  });
  await execute(
    db,
    "join",
    `select count(*), sum(l.amount - a.amount) from bench_lines l join attempts a on a.id = l.our_id`,
  );
  const seconds = (performance.now() - from) / 1_000;
  return seconds;
}
