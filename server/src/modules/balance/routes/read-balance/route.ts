import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { presentBalance } from "../../present.ts";
import { readBalances } from "../../read-balances.ts";
import type { BalanceServices } from "../../services.ts";

const Figure = (description: string) => Type.Integer({ description });

const Query = Type.Object({
  at: Type.Optional(
    Type.String({
      format: "date-time",
      description: "A past instant: the balance after all that had been booked by then. The present one without it.",
    }),
  ),
});

/** A balance as it is published. */
export const BalanceObject = Type.Object({
  object: Type.Literal("balance"),
  livemode: Type.Boolean(),
  at: Type.Optional(Type.String({ format: "date-time", description: "The instant that was asked for." })),
  balances: Type.Array(
    Type.Object({
      currency: Type.String(),
      pending: Figure("What the platform owes you and has not settled yet, refunds and fees taken off."),
      available: Figure("What was settled to you."),
      reserve: Figure("Held back of what was settled, against refunds and chargebacks, until it is released."),
      frozen: Figure("Frozen by the platform's operator."),
      payout_in_transit: Figure("Set aside for payouts whose result is not known yet."),
      sharing_in_transit: Figure("Set aside for receivers of shares whose result is not known yet."),
      refund_in_transit: Figure("Set aside for refunds whose result the channel has not told yet."),
      service_fee_due: Figure("Fees you owe for payments that channels settled to your own accounts."),
      service_fee_prepaid: Figure("What you have paid in advance for fees."),
      collected_directly: Figure("What channels collected for your own accounts, less refunds."),
    }),
    { description: "One for each currency, in minor units." },
  ),
});

/** `GET /v1/balance`: the book of the key's mode, now or at a past instant. */
export function registerReadBalance(api: ApiServer, services: BalanceServices): void {
  api.get(
    "/v1/balance",
    {
      schema: {
        operationId: "readBalance",
        tags: ["Balance"],
        summary: "Read the balance",
        querystring: Query,
        response: { 200: BalanceObject },
      },
    },
    async ({ caller, query }) => {
      const at = query.at === undefined ? undefined : Date.parse(query.at);
      return presentBalance(caller.livemode, await readBalances(services, caller, at), at);
    },
  );
}
