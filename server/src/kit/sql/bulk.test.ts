// Guarantee: bulk work streams rows into a table, all of them or none, whatever breaks: the source, the rows or the work.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestBooks, run, type TestBooks } from "../../ledger/testing/books.ts";
import { platformStatement } from "./statement.ts";

const copyStatement = platformStatement("test.copy", "copy copied (number, word) from stdin");
let books: TestBooks;

beforeAll(async () => {
  books = await openTestBooks();
  await run(books.db, "create table copied (number int, word text)");
});
afterAll(() => books.close());

async function* lines(count: number, end?: () => never): AsyncGenerator<string> {
  for (let number = 0; number < count; number += 1) yield `${number}\tword ${number}\n`;
  end?.();
}

const count = async () => (await run<{ count: bigint }>(books.db, "select count(*) from copied"))[0]!.count;

describe("bulk work", () => {
  test("sees what it has copied, and others see it after the commit", async () => {
    const seen = await books.db.bulk(async (tx) => {
      await tx.copy(copyStatement, lines(1_000));
      expect(await count()).toBe(0n);
      return run(tx, "select count(*), sum(number) from copied");
    });
    expect(seen).toEqual([{ count: 1_000n, sum: 499_500n }]);
    expect(await count()).toBe(1_000n);
  });

  test("leaves nothing of a source that breaks", async () => {
    const broken = books.db.bulk((tx) =>
      tx.copy(
        copyStatement,
        lines(10, () => {
          throw new Error("the source broke");
        }),
      ),
    );
    await expect(broken).rejects.toThrow("the source broke");
    expect(await count()).toBe(1_000n);
  });

  test("leaves nothing of rows that do not fit, nor of work that fails afterwards", async () => {
    const misfit = books.db.bulk((tx) => tx.copy(copyStatement, once("no number\tword\n")));
    await expect(misfit).rejects.toThrow(/invalid input syntax/);
    const failed = books.db.bulk(async (tx) => {
      await tx.copy(copyStatement, lines(10));
      throw new Error("the work failed");
    });
    await expect(failed).rejects.toThrow("the work failed");
    expect(await count()).toBe(1_000n);
  });

  test("waits for a place instead of failing", async () => {
    const jobs = Array.from({ length: 6 }, () => books.db.bulk((tx) => run(tx, "select pg_sleep(0.05)")));
    await expect(Promise.all(jobs)).resolves.toHaveLength(6);
  });
});

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}
