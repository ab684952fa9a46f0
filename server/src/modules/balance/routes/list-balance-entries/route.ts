import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { ListOf, pageProperties, toList } from "../../../../kit/http/pagination.ts";
import { type ShownName, shownNames } from "../../account.ts";
import { readEntries } from "../../read-entries.ts";
import type { BalanceServices } from "../../services.ts";

const PATH = "/v1/balance/entries";

const AccountName = Type.Unsafe<ShownName>({ type: "string", enum: shownNames });

/** Query fields of a list of entries. */
export const entryFilters = { ...pageProperties, account: Type.Optional(AccountName) };

const Query = Type.Object(entryFilters);

/** An entry as it is published. */
export const EntryObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("balance_entry"),
  livemode: Type.Boolean(),
  account: AccountName,
  type: Type.String({ description: "What happened, such as payment_succeeded or refund_initiated." }),
  amount: Type.Integer({ description: "The change of the account's balance, in minor units." }),
  currency: Type.String(),
  balance_after: Type.Integer({ description: "The account's balance after this entry." }),
  source: Type.Union([Type.String(), Type.Null()], {
    description: "The attempt (att_), refund (rf_) or settlement (stl_) behind it.",
  }),
  created_at: Type.String({ format: "date-time" }),
});

/** `GET /v1/balance/entries`, newest first. */
export function registerListBalanceEntries(api: ApiServer, { db }: BalanceServices): void {
  api.get(
    PATH,
    {
      schema: {
        operationId: "listBalanceEntries",
        tags: ["Balance"],
        summary: "List balance entries",
        querystring: Query,
        response: { 200: ListOf(EntryObject) },
      },
    },
    async ({ caller, query }) => {
      const { entries, has_more } = await readEntries(db, caller, query);
      return toList(entries, has_more, PATH);
    },
  );
}
