import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { toList } from "../../../../kit/http/pagination.ts";
import { makeOnce } from "../../../operator/index.ts";
import { agentErrors } from "../../errors.ts";
import { presentPrice } from "../../present.ts";
import { setAgentPrice } from "../../set-price.ts";
import { loadAgent, loadPrices } from "../../store.ts";
import type { OperatorAgentServices } from "../index.ts";
import { AgentParams, PriceBody, PriceObject, readAgentId, readPriceBody } from "../schemas.ts";

const PATH = "/operator/v1/agents/:id/prices";
const tags = ["Operator: agents"];

/** The answer's schema of an agent's prices, which are few. */
export const PricesObject = Type.Object({
  object: Type.Literal("list"),
  data: Type.Array(PriceObject),
  has_more: Type.Boolean(),
  url: Type.String(),
});

/** `POST|GET /operator/v1/agents/:id/prices`. */
export function registerManagePrices(operator: ApiServer, services: OperatorAgentServices): void {
  const { db } = services;
  operator.post(
    PATH,
    {
      schema: {
        operationId: "setAgentPrice",
        tags,
        summary: "Set what an agent pays, and within what it gives on",
        description:
          "It must fit between the levels above and below, from its first instant on. Prices never change: later ones follow.",
        params: AgentParams,
        body: PriceBody,
        response: { 200: PriceObject, 201: PriceObject },
      },
    },
    async (request, reply) => {
      const input = readPriceBody(request.body, readAgentId(request.params.id), request.operator.user_id);
      const result = await makeOnce(services, { request, reply, object_type: "agent_price" }, (tx) =>
        setAgentPrice(tx, services, input),
      );
      const found = "made" in result ? result.made : await findPrice(services, input.agent_id, result.replayed);
      return reply.code("made" in result ? 201 : 200).send(presentPrice(found));
    },
  );
  operator.get(
    PATH,
    {
      schema: {
        operationId: "listAgentPrices",
        tags,
        summary: "List an agent's prices",
        params: AgentParams,
        response: { 200: PricesObject },
      },
    },
    async ({ params }) => {
      const id = readAgentId(params.id);
      if (!(await loadAgent(db, id))) throw agentErrors["agent.not_found"]();
      return toList((await loadPrices(db, [id])).map(presentPrice), false, PATH.replace(":id", params.id));
    },
  );
}

async function findPrice({ db }: OperatorAgentServices, agent_id: string, id: string) {
  return (await loadPrices(db, [agent_id])).find((price) => price.id === id)!;
}
