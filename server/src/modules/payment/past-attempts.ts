/** What routing asks of past attempts. */
import { toRfc3339 } from "../../kit/clock.ts";
import { uuidFloor } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import type { OutcomeCount, PastAttempt, PastAttempts } from "../routing/index.ts";
import { countOutcomesStatement, selectPastStatement, sumSucceededStatement } from "./past-store.ts";

/** How many of the newest attempts a success rate looks at. */
const OUTCOMES_MAX = 5_000;
/** A payment lives a week at most: what succeeds on a day was made no earlier. */
const EXPIRY_MS_MAX = 7 * 86_400_000 + 3_600_000;

/** Reads of the merchants' attempts, each bounded by a period of their ids. */
export function createPastAttempts(db: Sql): PastAttempts {
  return {
    countOutcomes: ({ merchant_id, livemode }, since) =>
      db.query<OutcomeCount>(countOutcomesStatement, [merchant_id, livemode, uuidFloor(since), OUTCOMES_MAX]),
    async sumSucceeded(merchant_id, { channel_account_id, currency }, since) {
      const values = [merchant_id, channel_account_id, currency, uuidFloor(since - EXPIRY_MS_MAX), toRfc3339(since)];
      return (await db.query<{ amount: bigint }>(sumSucceededStatement, values))[0]!.amount;
    },
    list({ merchant_id, livemode, app_id }, { from, to, after, limit }) {
      const values = [merchant_id, livemode, app_id, uuidFloor(from), uuidFloor(to), after, limit];
      return db.query<PastAttempt>(selectPastStatement, values);
    },
  };
}
