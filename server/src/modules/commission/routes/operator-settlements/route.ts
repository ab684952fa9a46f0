import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { AgentParams, getAgent, readAgentId } from "../../../agent/index.ts";
import { presentCommissionSettlement } from "../../present.ts";
import { settleAgent } from "../../run-month.ts";
import type { CommissionServices } from "../../services.ts";
import { listSettlements } from "../../store.ts";
import { CommissionSettlementObject } from "../schemas.ts";

const PATH = "/operator/v1/agents/:id/commission_settlements";
const tags = ["Operator: agents"];
const Query = Type.Object({
  ...pageProperties,
  livemode: Type.Optional(Type.Boolean({ default: true, description: "Which of the agent's two books." })),
});

/** `GET|POST /operator/v1/agents/:id/commission_settlements`: months, and settling what is over now. */
export function registerOperatorCommissionRoutes(operator: ApiServer, services: CommissionServices): void {
  const { db } = services;
  operator.get(
    PATH,
    {
      schema: {
        operationId: "listAgentCommissionSettlements",
        tags,
        summary: "List an agent's months",
        params: AgentParams,
        querystring: Query,
        response: { 200: ListOf(CommissionSettlementObject) },
      },
    },
    async ({ params, query }) => {
      const { id: merchant_id } = await getAgent(db, readAgentId(params.id));
      const page = readPage(query, "commission_settlement");
      const found = await listSettlements(db, { merchant_id, livemode: query.livemode ?? true, month: null, page });
      const { rows, has_more } = cutPage(page, found);
      return toList(rows.map(presentCommissionSettlement), has_more, PATH.replace(":id", params.id));
    },
  );
  operator.post(
    PATH,
    {
      schema: {
        operationId: "settleAgentCommission",
        tags,
        summary: "Settle an agent's months that are over",
        description: "What a worker would do by itself within seconds. The same again changes nothing.",
        params: AgentParams,
        response: { 200: ListOf(CommissionSettlementObject) },
      },
    },
    async ({ params }) => {
      const settlements = await settleAgent(services, readAgentId(params.id));
      return toList(settlements.map(presentCommissionSettlement), false, PATH.replace(":id", params.id));
    },
  );
}
