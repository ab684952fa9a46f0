import type { ApiServer } from "../../../../kit/http/api.ts";
import { toList } from "../../../../kit/http/pagination.ts";
import {
  AgentParams,
  loadAgentPrices,
  PriceBody,
  PriceObject,
  PricesObject,
  presentPrice,
  readPriceBody,
  setAgentPrice,
} from "../../../agent/index.ts";
import { makeOnce } from "../../../operator/index.ts";
import { agentPortalErrors } from "../../errors.ts";
import type { AgentPortalServices } from "../../services.ts";
import { findAgentWithin } from "../../within.ts";

const PATH = "/agent/v1/agents/:id/prices";
const tags = ["Agents: prices"];

/** `GET|POST /agent/v1/agents/:id/prices`: everybody below is seen; those directly below are given prices. */
export function registerPriceRoutes(agents: ApiServer, services: AgentPortalServices): void {
  const { db } = services;
  agents.get(
    PATH,
    {
      schema: {
        ...{ operationId: "listYourAgentPrices", tags, summary: "List an agent's prices" },
        params: AgentParams,
        response: { 200: PricesObject },
      },
    },
    async ({ agent: { agent_id }, params }) => {
      const { id } = await findAgentWithin(db, agent_id, params.id);
      return toList((await loadAgentPrices(db, [id])).map(presentPrice), false, PATH.replace(":id", params.id));
    },
  );
  agents.post(
    PATH,
    {
      schema: {
        ...{ operationId: "setYourAgentPrice", tags, summary: "Set the price of an agent directly below yours" },
        description:
          "Within your own minimum and maximum, and never so that an agent further below lies outside of it.",
        params: AgentParams,
        body: PriceBody,
        response: { 200: PriceObject, 201: PriceObject },
      },
    },
    async (request, reply) => {
      const { agent_id, user_id } = request.agent;
      const agent = await findAgentWithin(db, agent_id, request.params.id);
      if (agent.parent_id !== agent_id) throw agentPortalErrors["agent.not_directly_below"]();
      const input = readPriceBody(request.body, agent.id, user_id);
      const result = await makeOnce(services, { request, reply, object_type: "agent_price", user_id }, (tx) =>
        setAgentPrice(tx, services, input),
      );
      const price =
        "made" in result
          ? result.made
          : (await loadAgentPrices(db, [agent.id])).find(({ id }) => id === result.replayed)!;
      return reply.code("made" in result ? 201 : 200).send(presentPrice(price));
    },
  );
}
