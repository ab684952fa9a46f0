/** The module's worker: closes what is over, once an hour and process. */
import type { Logger } from "../../kit/log.ts";
import { createDueLoop, type DueLoop } from "../../kit/worker/due-loop.ts";
import { type BookEnd, type BookKey, listBooks } from "../../ledger/index.ts";
import { type CloseServices, closeBook } from "./close-book.ts";
import { loadClosedNumbers } from "./store.ts";

const EVERY_MS = 3_600_000;
const PAGE = 500;

/** Any number of processes may run it; a day is closed by one of them. */
export function createCloseWorker(services: CloseServices & { log: Logger }): DueLoop {
  const { clock, log } = services;
  let due_at = clock.now();
  return createDueLoop({
    name: "daily_close.close",
    claim: async () => {
      const now = clock.now();
      if (now < due_at) return [];
      due_at = now + EVERY_MS;
      return [now];
    },
    handle: () => closeBooks(services),
    concurrency: 1,
    interval_ms: 60_000,
    log,
  });
}

async function closeBooks(services: CloseServices & { log: Logger }): Promise<void> {
  let after: BookKey | undefined;
  for (;;) {
    const page = await listBooks(services.db, after, PAGE);
    for (const book of await pickOpen(services, page)) {
      const closed = await closeBook(services, book);
      if (closed > 0) services.log.debug({ merchant_id: book.merchant_id, closed }, "days of a book were closed");
    }
    if (page.length < PAGE) return;
    after = page.at(-1);
  }
}

/** Books with transactions that no close has. */
async function pickOpen({ db }: CloseServices, books: readonly BookEnd[]): Promise<BookEnd[]> {
  const ends = await loadClosedNumbers(
    db,
    books.map(({ merchant_id }) => merchant_id),
  );
  const nameOf = ({ merchant_id, livemode }: BookKey) => `${merchant_id} ${livemode}`;
  const closed = new Map(ends.map((end) => [nameOf(end), end.last_number]));
  return books.filter((book) => book.number > (closed.get(nameOf(book)) ?? 0n));
}
