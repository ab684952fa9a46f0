/**
 * Lists of one book's rows in the order of their ids. A filter that is not asked for is left out of the statement rather
 * than written as `$1 is null or …`: a plan that is kept must serve every value, and could not use the filter's index.
 * Each choice of filters is a statement of its own, prepared when it is first needed.
 */
import { toRfc3339 } from "../clock.ts";
import type { Page } from "../http/pagination.ts";
import { uuidFloor } from "../id.ts";
import type { Sql, SqlValue } from "./database.ts";
import { tenantStatement } from "./statement.ts";

/** `id` bounds that let everything through. */
export const UUID_MIN = "00000000-0000-0000-0000-000000000000";
export const UUID_MAX = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** One condition of a list. */
export interface Condition {
  /** Part of the statement's name: the same name means the same text. */
  readonly name: string;
  /** The condition; `place` gives the `$n` of the value with that index. */
  readonly text: (place: (index: number) => string) => string;
  readonly values: readonly SqlValue[];
}

/** `column = value`, or no condition when the value is null. */
export function equals(column: string, value: SqlValue): Condition[] {
  return value === null ? [] : [{ name: column, text: (place) => `${column} = ${place(0)}`, values: [value] }];
}

/** A period; epoch milliseconds, `from` inclusive and `to` exclusive, null leaves a side open. */
export interface Period {
  readonly from: number | null;
  readonly to: number | null;
}

/** An id is made at most this long before or after its row's `created_at`. */
const ID_TIME_SLACK_MS = 60_000;

/** `created_at` within a period, to the millisecond. */
export function createdWithin({ from, to }: Period): Condition[] {
  if (from === null && to === null) return [];
  const values = [from === null ? "-infinity" : toRfc3339(from), to === null ? "infinity" : toRfc3339(to)];
  const text: Condition["text"] = (place) => `created_at >= ${place(0)} and created_at < ${place(1)}`;
  return [{ name: "created", text, values }];
}

/** Ids carry their time, so page and period together are one range of ids. Both bounds are exclusive. */
export function idRange(page: Page, { from, to }: Period): { above: string; below: string } {
  const lower = from === null ? UUID_MIN : uuidFloor(from - ID_TIME_SLACK_MS);
  const upper = to === null ? UUID_MAX : uuidFloor(to + ID_TIME_SLACK_MS);
  const { newer_than, older_than } = page;
  return {
    above: newer_than !== null && newer_than > lower ? newer_than : lower,
    below: older_than !== null && older_than < upper ? older_than : upper,
  };
}

export interface ListQuery {
  /** Name of the list; the statements' names begin with it. */
  readonly name: string;
  /** `select … from …` of a table with `merchant_id`, `app_id`, `livemode`, `id` and `created_at`. */
  readonly select: string;
  readonly owner: { readonly merchant_id: string; readonly app_id: string; readonly livemode: boolean };
  readonly page: Page;
  readonly period: Period;
  readonly conditions: readonly Condition[];
}

/** Rows in the page's order, `page.fetch` at most; see `kit/http/pagination.ts`. */
export async function listRows<Row>(sql: Sql, query: ListQuery): Promise<Row[]> {
  const { owner, page } = query;
  const { above, below } = idRange(page, query.period);
  const values: SqlValue[] = [owner.merchant_id, owner.app_id, owner.livemode, above, below, page.fetch];
  const conditions = [...query.conditions, ...createdWithin(query.period)];
  const texts = conditions.map((condition) => {
    const first = values.length + 1;
    values.push(...condition.values);
    return ` and ${condition.text((index) => `$${first + index}`)}`;
  });
  const statement = tenantStatement(
    [query.name, page.order, ...conditions.map((condition) => condition.name)].join("."),
    `${query.select} where merchant_id = $1 and app_id = $2 and livemode = $3 and id > $4 and id < $5${texts.join("")}
     order by id ${page.order} limit $6`,
  );
  return sql.query<Row>(statement, values);
}
