/** Writes the proof of a day. */
import { dayOf } from "../../kit/local-day.ts";
import { type BookKey, readBook } from "../../ledger/index.ts";
import { toLine } from "./chain.ts";
import { type CloseServices, closeBook } from "./close-book.ts";
import { dailyCloseErrors } from "./errors.ts";
import { readStatement } from "./statement.ts";
import { type Close, loadClose, loadSigningKeys } from "./store.ts";

/**
 * The close of a day, closing it first where nobody has yet.
 * @throws daily_close.not_found, also for what is no day; merchant.not_found
 */
export async function requireClose(services: CloseServices, book: BookKey, day: string): Promise<Close> {
  if (!dayOf(day, "UTC")) throw dailyCloseErrors["daily_close.not_found"]();
  const known = await loadClose(services.db, book, day);
  if (known) return known;
  await closeBook(services, book);
  const close = await loadClose(services.db, book, day);
  if (!close) throw dailyCloseErrors["daily_close.not_found"]();
  return close;
}

/**
 * The lines of a proof, each with its line feed: the statement, its signature and public key, then each transaction of the
 * day. Only a page of them is held at any time.
 */
export async function* proveDay({ db }: Pick<CloseServices, "db">, close: Close): AsyncGenerator<string> {
  const key = (await loadSigningKeys(db)).find(({ id }) => id === close.key_id);
  yield `${close.statement}\n`;
  const signature = close.signature.toString("base64");
  yield `${JSON.stringify({ signature, public_key: key?.public_key.toString("base64") })}\n`;
  const after = BigInt(readStatement(close.statement)?.after_number ?? 0);
  for await (const page of readBook(db, close, after)) {
    for (const transaction of page) {
      if (transaction.number > close.last_number) return;
      yield `${toLine(transaction)}\n`;
    }
  }
}
