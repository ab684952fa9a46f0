import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { listEntries } from "../../../../ledger/index.ts";
import { kindsOf, type ShownName, shownNames } from "../../account.ts";
import { presentEntry, readEntryPlace } from "../../present.ts";
import type { BalanceServices } from "../../services.ts";

const PATH = "/v1/balance/entries";

const AccountName = Type.Unsafe<ShownName>({ type: "string", enum: shownNames });

const Query = Type.Object({ ...pageProperties, account: Type.Optional(AccountName) });

const EntryObject = Type.Object({
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
      const page = readPage(query, "ledger_transaction");
      const found = await listEntries(db, {
        merchant_id: caller.merchant_id,
        livemode: caller.livemode,
        kinds: kindsOf(query.account),
        limit: page.fetch,
        ...(page.older_than !== null && { starting_after: readEntryPlace(page.older_than) }),
        ...(page.newer_than !== null && { ending_before: readEntryPlace(page.newer_than) }),
      });
      const { rows, has_more } = cutPage(page, found);
      return toList(
        rows.map((entry) => presentEntry(caller.livemode, entry)),
        has_more,
        PATH,
      );
    },
  );
}
