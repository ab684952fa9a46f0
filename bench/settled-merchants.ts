/** Many merchants with something pending and a run that is due, made in bulk: as rows and in the books, so that they verify. */

import { createManualClock } from "../server/src/kit/clock.ts";
import { createIdSource, encodeUuid } from "../server/src/kit/id.ts";
import { localDay } from "../server/src/kit/local-day.ts";
import { createLogger } from "../server/src/kit/log.ts";
import { systemRandom } from "../server/src/kit/random.ts";
import { plainArray, textArray, timestampArray } from "../server/src/kit/sql/arrays.ts";
import { type Database, openDatabase } from "../server/src/kit/sql/database.ts";
import { platformStatement } from "../server/src/kit/sql/statement.ts";
import { type NewPosting, paymentPosting, post } from "../server/src/ledger/index.ts";

const PLACE = "Asia/Shanghai";
const BATCH = 5_000;
const AMOUNT = 10_000n;
const FEE = 60n;

/** A connection for what a bench prepares and measures by itself. */
export function openBenchDatabase(url: string): Database {
  const log = createLogger("silent");
  return openDatabase({ url, connections_max: 6, log, random: systemRandom, statement_timeout_ms: 120_000 });
}

const insertMerchants = platformStatement(
  "bench.merchants",
  `with merchant as (
     insert into merchants (id, name, time_zone, created_at)
     select id, 'bench', '${PLACE}', $3::timestamptz from unnest($1::uuid[]) as id
   )
   insert into apps (merchant_id, id, name, webhook_secret_sealed, created_at)
   select m.id, m.app, 'bench', '', $3::timestamptz from unnest($1::uuid[], $2::uuid[]) as m (id, app)`,
);
const insertSettings = platformStatement(
  "bench.settings",
  `insert into settlement_settings (merchant_id, livemode, currency, cycle, calendar, run_minute, minimum_amount, next_day,
     due_at, updated_at)
   select id, false, 'CNY', 'D+1', 'every_day', 0, 0, $2, 'infinity', $3::timestamptz from unnest($1::uuid[]) as id`,
);
const wakeStatement = platformStatement(
  "bench.wake",
  "update settlement_settings set due_at = $2::timestamptz where merchant_id = any ($1::uuid[])",
);
const countStatement = platformStatement(
  "bench.settled",
  "select count(*) as count from settlements where merchant_id = any ($1::uuid[])",
);
const insertPayments = platformStatement(
  "bench.payments",
  `with payment as (
     insert into payments (merchant_id, id, app_id, livemode, out_trade_no, request_hash, status, amount, currency, subject,
       method, expires_at, created_at, succeeded_at, succeeded_attempt_id)
     select merchant_id, id, app_id, false, no, '', 'succeeded', ${AMOUNT}, 'CNY', 'bench', 'wechat.native', at, at, at, attempt_id
     from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[])
       as p (merchant_id, id, app_id, attempt_id, no, at)
   )
   insert into attempts (merchant_id, id, payment_id, app_id, livemode, serial_no, channel_account_id, channel, funding_mode,
     method, status, amount, currency, fee_amount, expires_at, created_at, finished_at)
   select merchant_id, attempt_id, id, app_id, false, no, $7::uuid, 'wechat', 'pooled', 'wechat.native', 'succeeded',
     ${AMOUNT}, 'CNY', ${FEE}, at, at, at
   from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[])
     as p (merchant_id, id, app_id, attempt_id, no, at)`,
);

export interface PendingMerchants {
  readonly merchant_ids: readonly string[];
  /** Makes their runs due. */
  wake(): Promise<void>;
  /** How many are settled. */
  countSettled(): Promise<number>;
}

/** Makes merchants with payments of the day before `now`, whose runs wait to be woken. */
export async function makePendingMerchants(
  db: Database,
  { merchants, payments, now }: { merchants: number; payments: number; now: number },
): Promise<PendingMerchants> {
  const paid_at = now - 24 * 3_600_000;
  const ids = createIdSource(createManualClock(paid_at), systemRandom);
  const pairs = Array.from({ length: merchants }, () => ({ merchant_id: ids.uuid(), app_id: ids.uuid() }));
  const merchant_ids = pairs.map(({ merchant_id }) => merchant_id);
  const time = new Date(paid_at).toISOString();
  await db.query(insertMerchants, [plainArray(merchant_ids), plainArray(pairs.map(({ app_id }) => app_id)), time]);
  await db.query(insertSettings, [plainArray(merchant_ids), localDay(now, PLACE), time]);
  const channel_account_id = ids.uuid();
  const all = pairs.flatMap((pair) => Array.from({ length: payments }, () => pair));
  for (let from = 0; from < all.length; from += BATCH) {
    const rows = all.slice(from, from + BATCH).map((pair) => ({ ...pair, id: ids.uuid(), attempt_id: ids.uuid() }));
    const column = (name: keyof (typeof rows)[number]) => plainArray(rows.map((row) => row[name]));
    await db.query(insertPayments, [
      ...[column("merchant_id"), column("id"), column("app_id"), column("attempt_id")],
      textArray(rows.map(({ id }) => encodeUuid(id))),
      timestampArray(rows.map(() => paid_at)),
      channel_account_id,
    ]);
    const postings = rows.map((row) => bookPayment(row, channel_account_id, paid_at));
    await db.transaction((tx) => post(tx, postings, paid_at));
  }
  return {
    merchant_ids,
    wake: async () => void (await db.query(wakeStatement, [plainArray(merchant_ids), new Date(now).toISOString()])),
    countSettled: async () => {
      const [row] = await db.query<{ count: bigint }>(countStatement, [plainArray(merchant_ids)]);
      return Number(row!.count);
    },
  };
}

function bookPayment(
  { merchant_id, attempt_id }: { merchant_id: string; attempt_id: string },
  channel_account_id: string,
  occurred_at: number,
): NewPosting {
  return paymentPosting({
    ...{ merchant_id, attempt_id, channel_account_id, livemode: false, funding_mode: "pooled" },
    ...{ amount: { amount: AMOUNT, currency: "CNY" }, fee: FEE, cost: 0n, occurred_at },
  });
}
