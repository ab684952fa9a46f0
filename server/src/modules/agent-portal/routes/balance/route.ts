import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { getBalances, listOwedCommission } from "../../../../ledger/index.ts";
import type { AgentPortalServices } from "../../services.ts";

const BalanceObject = Type.Object({
  object: Type.Literal("agent_balance"),
  livemode: Type.Boolean(),
  balances: Type.Array(
    Type.Object({
      currency: Type.String(),
      available: Type.Integer({ description: "Settled, and yours to draw." }),
      frozen: Type.Integer({ description: "Frozen by the platform." }),
      payout_in_transit: Type.Integer({ description: "On its way to you." }),
      carried_forward: Type.Integer({ description: "Left by settled months: a debt where it is negative." }),
      unsettled: Type.Integer({ description: "Earned since the last settled month." }),
    }),
    { description: "By currency, in minor units." },
  ),
});

const shown = {
  merchant_available: "available",
  merchant_frozen: "frozen",
  payout_in_transit: "payout_in_transit",
  commission_payable: "carried_forward",
} as const;

/** `GET /agent/v1/balance`: what the agent's own book holds, and what merchants' books owe it. */
export function registerBalanceRoute(agents: ApiServer, { db }: AgentPortalServices): void {
  agents.get(
    "/agent/v1/balance",
    {
      schema: {
        ...{ operationId: "readYourAgentBalance", tags: ["Agents: commission"], summary: "Read your balance" },
        querystring: Type.Object({ livemode: Type.Optional(Type.Boolean({ default: true })) }),
        response: { 200: BalanceObject },
      },
    },
    async ({ agent: { agent_id: merchant_id }, query: { livemode = true } }) => {
      const [own, owed] = await Promise.all([
        getBalances(db, { merchant_id, livemode }),
        listOwedCommission(db, merchant_id),
      ]);
      const open = owed.filter((one) => one.livemode === livemode && one.merchant_id !== merchant_id);
      const currencies = [...new Set([...own, ...open].map(({ currency }) => currency))].sort();
      const balances = currencies.map((currency) => {
        const figures = { available: 0, frozen: 0, payout_in_transit: 0, carried_forward: 0 };
        for (const one of own) {
          const name =
            one.currency === currency && one.kind in shown ? shown[one.kind as keyof typeof shown] : undefined;
          if (name) figures[name] += Number(one.balance);
        }
        const unsettled = open
          .filter((one) => one.currency === currency)
          .reduce((sum, { balance }) => sum + balance, 0n);
        return { currency, ...figures, unsettled: Number(unsettled) };
      });
      return { object: "agent_balance" as const, livemode, balances };
    },
  );
}
