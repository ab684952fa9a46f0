/**
 * Keyset pagination. Ids are UUIDv7, so their order is the order of time, a list runs from the newest to the oldest, and
 * its cursor is an id. There are no offsets: page 1,000 costs what page 1 costs, and new objects shift nothing.
 */
import { type Static, type TSchema, Type } from "typebox";
import { type IdKind, parsePublicId } from "../id.ts";
import { doorErrors } from "./errors.ts";

/** Query fields of every list; spread them beside a list's own filters. */
export const pageProperties = {
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 100,
      default: 20,
      description: "How many objects to return; 20 unless given.",
    }),
  ),
  starting_after: Type.Optional(
    Type.String({ maxLength: 64, description: "The id after which the page starts, for the next (older) page." }),
  ),
  ending_before: Type.Optional(
    Type.String({ maxLength: 64, description: "The id before which the page ends, for the previous (newer) page." }),
  ),
};

export const PageQuery = Type.Object(pageProperties, { additionalProperties: false });
export type PageQuery = Static<typeof PageQuery>;

/** What a store needs: `where id < older_than` or `id > newer_than`, in this `order`, `fetch` rows. */
export interface Page {
  readonly limit: number;
  /** UUID; rows with a smaller id follow. At most one of the two is set. */
  readonly older_than: string | null;
  readonly newer_than: string | null;
  readonly order: "desc" | "asc";
  /** One row more than the page shows; it answers `has_more`. */
  readonly fetch: number;
}

/**
 * Reads the page of a list whose objects have ids of `kind`.
 * @throws request.invalid when both cursors are given; request.cursor_not_found when a cursor is no id of that kind.
 */
export function readPage(query: PageQuery, kind: IdKind): Page {
  const limit = query.limit ?? 20;
  if (query.starting_after !== undefined && query.ending_before !== undefined) {
    const problem = "Give either starting_after or ending_before, not both.";
    throw doorErrors["request.invalid"]({ param: "ending_before", values: { problem } });
  }
  const older_than = readCursor("starting_after", query.starting_after, kind);
  const newer_than = readCursor("ending_before", query.ending_before, kind);
  return { limit, older_than, newer_than, order: newer_than === null ? "desc" : "asc", fetch: limit + 1 };
}

function readCursor(param: string, text: string | undefined, kind: IdKind): string | null {
  if (text === undefined) return null;
  const uuid = parsePublicId(kind, text);
  if (uuid === undefined) throw doorErrors["request.cursor_not_found"]({ param, values: { param } });
  return uuid;
}

/** Makes the page of the rows that a store fetched in the page's order: cut to the limit, the newest first. */
export function cutPage<Row>(page: Page, rows: readonly Row[]): { rows: Row[]; has_more: boolean } {
  const shown = rows.slice(0, page.limit);
  return { rows: page.order === "asc" ? shown.reverse() : shown, has_more: rows.length > page.limit };
}

/** The envelope of a list. */
export interface List<T> {
  object: "list";
  data: T[];
  /** Whether more objects follow in the direction that was asked for. */
  has_more: boolean;
  /** The path of the list. */
  url: string;
}

/** Wraps one page of presented objects; `url` is the path of the list, without the query. */
export function toList<T>(data: T[], has_more: boolean, url: string): List<T> {
  return { object: "list", data, has_more, url };
}

/** The envelope's schema for objects of schema `item`. */
export function ListOf<Item extends TSchema>(item: Item) {
  return Type.Object({
    object: Type.Literal("list"),
    data: Type.Array(item),
    has_more: Type.Boolean(),
    url: Type.String(),
  });
}
