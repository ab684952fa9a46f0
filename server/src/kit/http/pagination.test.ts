/** Guarantees: going through the pages in either direction shows every object once, in order, and ends. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeUuid, publicId } from "../id.ts";
import { cutPage, type Page, readPage, toList } from "./pagination.ts";

/** What a store's two statements do, on a list of ids. */
function fetchRows(ids: readonly string[], page: Page): string[] {
  const found = ids.filter(
    (id) => (page.older_than === null || id < page.older_than) && (page.newer_than === null || id > page.newer_than),
  );
  const sorted = found.toSorted();
  return (page.order === "desc" ? sorted.reverse() : sorted).slice(0, page.fetch);
}

const uuids = fc.uniqueArray(fc.uuid({ version: 7 }), { maxLength: 60 });

test("forward and backward, each object is met once", () => {
  fc.assert(
    fc.property(uuids, fc.integer({ min: 1, max: 10 }), (ids, limit) => {
      const newestFirst = ids.toSorted().reverse();
      const forward: string[] = [];
      for (let cursor: string | undefined; ; ) {
        const page = readPage({ limit, ...(cursor && { starting_after: publicId("payment", cursor) }) }, "payment");
        const { rows, has_more } = cutPage(page, fetchRows(ids, page));
        forward.push(...rows);
        if (!has_more) break;
        cursor = rows.at(-1);
      }
      expect(forward).toEqual(newestFirst);
      const backward: string[] = [];
      for (let cursor = newestFirst.at(-1); cursor; ) {
        const page = readPage({ limit, ending_before: publicId("payment", cursor) }, "payment");
        const { rows, has_more } = cutPage(page, fetchRows(ids, page));
        backward.unshift(...rows);
        cursor = has_more ? rows[0] : undefined;
      }
      expect(backward).toEqual(newestFirst.slice(0, -1));
    }),
  );
});

test("a page has 20 objects unless the caller says otherwise", () => {
  expect(readPage({}, "payment")).toEqual({ limit: 20, older_than: null, newer_than: null, order: "desc", fetch: 21 });
  expect(toList([1], true, "/v1/payments")).toEqual({ object: "list", data: [1], has_more: true, url: "/v1/payments" });
});

test("a cursor that is no id of the list is refused, and so are two", () => {
  const id = publicId("payment", "018f0000-0000-7000-8000-000000000000");
  const uuid = encodeUuid("018f0000-0000-7000-8000-000000000000");
  for (const cursor of [uuid, `rf_${uuid}`, "pay_", `${id}0`, "pay_!", "' or 1=1"]) {
    expect(() => readPage({ starting_after: cursor }, "payment")).toThrow(/starting_after must be the id/);
  }
  expect(() => readPage({ starting_after: id, ending_before: id }, "payment")).toThrow(/not both/);
});
