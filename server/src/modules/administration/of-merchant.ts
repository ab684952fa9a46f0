/** What routes about a merchant have in common. */
import { Type } from "typebox";
import { type IdKind, parsePublicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { getMerchant, type Merchant, merchantErrors } from "../merchant/index.ts";

export const IdParams = Type.Object({ id: Type.String({ maxLength: 64 }) });
export const Livemode = Type.Boolean({ description: "Which of the merchant's two books." });
export const LivemodeQuery = Type.Optional(
  Type.Boolean({ default: true, description: "Which of the merchant's two books; live unless given." }),
);
export const Currency = Type.String({ pattern: "^[A-Z]{3}$" });
export const Reason = Type.String({ minLength: 1, maxLength: 500, description: "Why; kept in the audit trail." });

/** The merchant of a path. @throws merchant.not_found */
export function requireMerchant(sql: Sql, public_id: string): Promise<Merchant> {
  return getMerchant(sql, requireId("merchant", public_id, merchantErrors["merchant.not_found"]));
}

/** The UUID of a public id; an id that cannot be read is not found. */
export function requireId(kind: IdKind, public_id: string, notFound: () => Error): string {
  const id = parsePublicId(kind, public_id);
  if (id === undefined) throw notFound();
  return id;
}
