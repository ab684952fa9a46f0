/** Groups of receivers: made, found, disabled. What a group is never changes. */
import type { Clock } from "../../kit/clock.ts";
import { type IdSource, parsePublicId } from "../../kit/id.ts";
import type { Database, Sql } from "../../kit/sql/database.ts";
import type { AskedShare } from "../payment/index.ts";
import { sharingErrors } from "./errors.ts";
import { refuseTwice } from "./plan-parts.ts";
import type { ReceiverGroup } from "./receiver.ts";
import { type Book, disableGroup, insertGroup, loadGroup } from "./receiver-store.ts";
import { resolveShares } from "./resolve-shares.ts";

export interface NewGroup {
  name: string;
  members: readonly AskedShare[];
}

/** Throws receiver_group.name_taken, and what `resolveShares` finds wrong. */
export async function createGroup(
  services: { db: Database; clock: Clock; ids: IdSource },
  book: Book,
  { name, members }: NewGroup,
): Promise<ReceiverGroup> {
  const shares = await resolveShares(services.db, book, members);
  refuseTwice(shares);
  const group: ReceiverGroup = {
    ...{ merchant_id: book.merchant_id, id: services.ids.uuid(), livemode: book.livemode, name, members: shares },
    ...{ status: "active", created_at: services.clock.now() },
  };
  if (!(await services.db.transaction((tx) => insertGroup(tx, group)))) {
    throw sharingErrors["receiver_group.name_taken"]({ param: "name", values: { name } });
  }
  return group;
}

/** The group of a public id. Throws receiver_group.not_found. */
export async function findGroup(sql: Sql, book: Book, public_id: string): Promise<ReceiverGroup> {
  const id = parsePublicId("receiver_group", public_id);
  const group = id && (await loadGroup(sql, { merchant_id: book.merchant_id, id }));
  if (!group || group.livemode !== book.livemode) {
    throw sharingErrors["receiver_group.not_found"]({ values: { group: public_id } });
  }
  return group;
}

/** Frees its name; what has begun by it goes on. Throws receiver_group.not_found. */
export async function retireGroup(db: Database, book: Book, public_id: string): Promise<ReceiverGroup> {
  const group = await findGroup(db, book, public_id);
  await disableGroup(db, group);
  return { ...group, status: "disabled" };
}
