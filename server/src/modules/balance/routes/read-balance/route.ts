import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { getBalances } from "../../../../ledger/index.ts";
import { presentBalance } from "../../present.ts";
import type { BalanceServices } from "../../services.ts";

const Figure = (description: string) => Type.Integer({ description });

const BalanceObject = Type.Object({
  object: Type.Literal("balance"),
  livemode: Type.Boolean(),
  balances: Type.Array(
    Type.Object({
      currency: Type.String(),
      pending: Figure("What the platform owes you and has not settled yet, refunds and fees taken off."),
      refund_in_transit: Figure("Set aside for refunds whose result the channel has not told yet."),
      service_fee_due: Figure("Fees you owe for payments that channels settled to your own accounts."),
      collected_directly: Figure("What channels collected for your own accounts, less refunds."),
    }),
    { description: "One for each currency, in minor units." },
  ),
});

/** `GET /v1/balance`: the book of the key's mode. */
export function registerReadBalance(api: ApiServer, { db }: BalanceServices): void {
  api.get(
    "/v1/balance",
    {
      schema: {
        operationId: "readBalance",
        tags: ["Balance"],
        summary: "Read the balance",
        response: { 200: BalanceObject },
      },
    },
    async ({ caller }) => presentBalance(caller.livemode, await getBalances(db, caller)),
  );
}
