import { Type } from "typebox";
import { toRfc3339 } from "../../../../kit/clock.ts";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { publicId } from "../../../../kit/id.ts";
import { listOwedCommission } from "../../../../ledger/index.ts";
import { type Binding, listBindings } from "../../../agent/index.ts";
import { sumEarned } from "../../../commission/index.ts";
import { loadMerchantNames } from "../../../merchant/index.ts";
import type { AgentPortalServices } from "../../services.ts";
import { findAgentWithin, findMerchantWithin } from "../../within.ts";

const PATH = "/agent/v1/merchants";
const tags = ["Agents: merchants"];

const Figures = Type.Array(
  Type.Object({
    currency: Type.String(),
    payment_count: Type.Integer({ description: "In the months that are settled." }),
    turnover: Type.Integer({ description: "Paid less refunded, in the months that are settled." }),
    commission: Type.Integer({ description: "Yours, of the months that are settled." }),
    unsettled: Type.Integer({ description: "Yours, earned since then." }),
  }),
  { description: "By currency, in minor units." },
);

const MerchantObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("agent_merchant"),
  name: Type.Union([Type.String(), Type.Null()]),
  agent: Type.String({ description: "Whose merchant it is: yours, or an agent's below yours." }),
  since: Type.String({ format: "date-time" }),
  figures: Figures,
});

const Livemode = Type.Optional(Type.Boolean({ default: true, description: "Live money, or the sandbox's." }));
const Query = Type.Object({
  ...pageProperties,
  agent: Type.Optional(Type.String({ maxLength: 64, description: "Only this agent's and those of agents below it." })),
  livemode: Livemode,
});

/** `GET /agent/v1/merchants` and `…/:id`: merchants that are the agent's now, with turnover and its own commission. */
export function registerMerchantRoutes(agents: ApiServer, services: AgentPortalServices): void {
  const { db, clock } = services;
  agents.get(
    PATH,
    {
      schema: {
        ...{ operationId: "listYourMerchants", tags, summary: "List your merchants" },
        querystring: Query,
        response: { 200: ListOf(MerchantObject) },
      },
    },
    async ({ agent: { agent_id }, query }) => {
      const page = readPage(query, "merchant");
      const top = query.agent === undefined ? agent_id : (await findAgentWithin(db, agent_id, query.agent, "agent")).id;
      const { rows, has_more } = cutPage(page, await listBindings(db, top, clock.now(), page));
      return toList(await presentMerchants(services, agent_id, rows, query.livemode ?? true), has_more, PATH);
    },
  );
  agents.get(
    `${PATH}/:id`,
    {
      schema: {
        ...{ operationId: "readYourMerchant", tags, summary: "Read a merchant" },
        params: Type.Object({ id: Type.String({ maxLength: 64 }) }),
        querystring: Type.Object({ livemode: Livemode }),
        response: { 200: MerchantObject },
      },
    },
    async ({ agent: { agent_id }, params, query }) => {
      const binding = await findMerchantWithin(db, agent_id, params.id, clock.now());
      return (await presentMerchants(services, agent_id, [binding], query.livemode ?? true))[0]!;
    },
  );
}

async function presentMerchants(
  { db }: AgentPortalServices,
  agent_id: string,
  bindings: readonly Binding[],
  livemode: boolean,
) {
  const ids = bindings.map(({ merchant_id }) => merchant_id);
  const [names, earned, owed] = await Promise.all([
    loadMerchantNames(db, ids),
    sumEarned(db, ids, { agent_id, livemode, ends_at: null }),
    listOwedCommission(db, agent_id, ids),
  ]);
  return bindings.map(({ merchant_id, agent_id: of, effective_from }) => {
    const [settled, open] = [
      earned.filter((one) => one.merchant_id === merchant_id),
      owed.filter((one) => one.merchant_id === merchant_id && one.livemode === livemode),
    ];
    const currencies = [...new Set([...settled, ...open].map(({ currency }) => currency))].sort();
    const figures = currencies.map((currency) => {
      const sum = settled.find((one) => one.currency === currency);
      return {
        currency,
        payment_count: Number(sum?.payment_count ?? 0n),
        turnover: Number((sum?.payment_amount ?? 0n) + (sum?.refund_amount ?? 0n)),
        commission: Number(sum?.commission ?? 0n),
        unsettled: Number(open.find((one) => one.currency === currency)?.balance ?? 0n),
      };
    });
    return {
      id: publicId("merchant", merchant_id),
      object: "agent_merchant" as const,
      name: names.get(merchant_id) ?? null,
      agent: publicId("agent", of!),
      since: toRfc3339(effective_from),
      figures,
    };
  });
}
