/**
 * What a close signs: the chain over a day's transactions and what they did to each account. Pure; whoever checks a proof
 * computes the same from its lines.
 */
import { toRfc3339 } from "../../kit/clock.ts";
import { sha256 } from "../../kit/crypto.ts";
import type { BookTransaction } from "../../ledger/index.ts";

/** Where the chain of a book begins. */
export const FIRST_HASH = Buffer.alloc(32);

/** A transaction as a line of a proof: JSON, amounts and numbers as text, because they may be too large for a number. */
export function toLine(transaction: BookTransaction): string {
  const { number, kind, source_id, occurred_at, posted_at, reverses, entries } = transaction;
  return JSON.stringify([
    String(number),
    kind,
    source_id,
    toRfc3339(occurred_at),
    toRfc3339(posted_at),
    reverses === null ? null : String(reverses),
    entries.map(([position, amount, balance]) => [position, String(amount), String(balance)]),
  ]);
}

/** The chain after one more line: SHA-256 over the hash before it and the line's UTF-8 bytes. */
export function extendChain(before: Buffer, line: string): Buffer {
  return sha256(Buffer.concat([before, Buffer.from(line, "utf8")]));
}

/** What a day did to one account. */
export interface Movement {
  readonly opening: bigint;
  /** What its balance grew and shrank by, both above or at zero. */
  increase: bigint;
  decrease: bigint;
  closing: bigint;
}

/** Movements by the account's position. */
export type Movements = Map<number, Movement>;

/** The next day's movements begin with what this one left. */
export function carryForward(movements: ReadonlyMap<number, Pick<Movement, "closing">>): Movements {
  return new Map(
    [...movements].map(([position, { closing }]) => [
      position,
      { opening: closing, increase: 0n, decrease: 0n, closing },
    ]),
  );
}

/** Adds an entry; an account that was not there before opens with nothing. */
export function move(movements: Movements, position: number, amount: bigint): Movement {
  const movement = movements.get(position) ?? { opening: 0n, increase: 0n, decrease: 0n, closing: 0n };
  if (amount >= 0n) movement.increase += amount;
  else movement.decrease -= amount;
  movement.closing += amount;
  movements.set(position, movement);
  return movement;
}
