import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { ListOf, toList } from "../../../../kit/http/pagination.ts";
import {
  BalanceObject,
  EntryObject,
  entryFilters,
  presentBalance,
  readBalances,
  readEntries,
} from "../../../balance/index.ts";
import { IdParams, LivemodeQuery, requireMerchant } from "../../of-merchant.ts";
import type { AdministrationServices } from "../../services.ts";

const tags = ["Operator: merchants"];

/** What a merchant's books hold, and the entries that brought them there, as the merchant sees them. */
export function registerBalances(operator: ApiServer, services: AdministrationServices): void {
  const { db } = services;
  operator.get(
    "/operator/v1/merchants/:id/balance",
    {
      schema: {
        operationId: "readMerchantBalance",
        tags,
        summary: "Read a merchant's balance",
        params: IdParams,
        querystring: Type.Object({
          livemode: LivemodeQuery,
          at: Type.Optional(Type.String({ format: "date-time", description: "A past instant; now without it." })),
        }),
        response: { 200: BalanceObject },
      },
    },
    async ({ params, query }) => {
      const { id: merchant_id } = await requireMerchant(db, params.id);
      const { livemode = true } = query;
      const at = query.at === undefined ? undefined : Date.parse(query.at);
      return presentBalance(livemode, await readBalances(services, { merchant_id, livemode }, at), at);
    },
  );
  operator.get(
    "/operator/v1/merchants/:id/balance_entries",
    {
      schema: {
        operationId: "listMerchantBalanceEntries",
        tags,
        summary: "List a merchant's balance entries",
        params: IdParams,
        querystring: Type.Object({ livemode: LivemodeQuery, ...entryFilters }),
        response: { 200: ListOf(EntryObject) },
      },
    },
    async ({ params, query }) => {
      const { id: merchant_id } = await requireMerchant(db, params.id);
      const { livemode = true, ...wanted } = query;
      const { entries, has_more } = await readEntries(db, { merchant_id, livemode }, wanted);
      return toList(entries, has_more, `/operator/v1/merchants/${params.id}/balance_entries`);
    },
  );
}
