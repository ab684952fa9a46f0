/** The text that a close signs. */
import { Type } from "typebox";
import { Value } from "typebox/value";
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import { type BookAccount, type BookKey, NO_SCOPE } from "../../ledger/index.ts";
import type { Movement, Movements } from "./chain.ts";

export const FORMAT = "tributary-ledger-close/1";

const Count = Type.String({ pattern: "^\\d{1,19}$" });
const Amount = Type.String({ pattern: "^-?\\d{1,19}$" });
const Hash = Type.String({ pattern: "^[0-9a-f]{64}$" });

const Statement = Type.Object({
  format: Type.Literal(FORMAT),
  merchant: Type.String(),
  livemode: Type.Boolean(),
  day: Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}$" }),
  time_zone: Type.String(),
  /** The last number of the close before; "0" where there is none. */
  after_number: Count,
  last_number: Count,
  opening_hash: Hash,
  closing_hash: Hash,
  /** All accounts that the book had at the end of the day, in minor units. */
  accounts: Type.Array(
    Type.Object({
      position: Type.Integer({ minimum: 1 }),
      kind: Type.String(),
      currency: Type.String(),
      /** The channel account that it is kept for. */
      channel_account: Type.Union([Type.String(), Type.Null()]),
      opening: Amount,
      increase: Count,
      decrease: Count,
      closing: Amount,
    }),
  ),
  closed_at: Type.String(),
  /** UUID of the key that signs. */
  key: Type.String(),
});
export type Statement = Type.Static<typeof Statement>;

/** What a day came to, before it is written down. */
export interface ClosedDay extends BookKey {
  readonly day: string;
  readonly time_zone: string;
  readonly after_number: bigint;
  readonly last_number: bigint;
  readonly opening_hash: Buffer;
  readonly closing_hash: Buffer;
  readonly movements: Movements;
}

export function writeStatement(
  closed: ClosedDay,
  accounts: readonly BookAccount[],
  { closed_at, key }: { closed_at: number; key: string },
): string {
  const statement: Statement = {
    format: FORMAT,
    merchant: publicId("merchant", closed.merchant_id),
    livemode: closed.livemode,
    day: closed.day,
    time_zone: closed.time_zone,
    after_number: String(closed.after_number),
    last_number: String(closed.last_number),
    opening_hash: closed.opening_hash.toString("hex"),
    closing_hash: closed.closing_hash.toString("hex"),
    accounts: accounts.flatMap((account) => describe(account, closed.movements.get(account.position)) ?? []),
    closed_at: toRfc3339(closed_at),
    key,
  };
  return JSON.stringify(statement);
}

function describe({ position, kind, currency, scope }: BookAccount, movement: Movement | undefined) {
  if (!movement) return undefined;
  return {
    position,
    kind,
    currency,
    channel_account: scope === NO_SCOPE ? null : publicId("channel_account", scope),
    opening: String(movement.opening),
    increase: String(movement.increase),
    decrease: String(movement.decrease),
    closing: String(movement.closing),
  };
}

/** A statement, or undefined when the text is none. */
export function readStatement(text: string): Statement | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Value.Check(Statement, value) ? value : undefined;
  } catch {
    return undefined;
  }
}
