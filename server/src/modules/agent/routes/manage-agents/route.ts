import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { makeOnce } from "../../../operator/index.ts";
import { createAgent } from "../../create-agent.ts";
import { agentErrors } from "../../errors.ts";
import { moveAgent } from "../../move-agent.ts";
import { presentAgent } from "../../present.ts";
import { listAgents, loadAgent } from "../../store.ts";
import type { OperatorAgentServices } from "../index.ts";
import { AgentBody, AgentObject, AgentParams, readAgentId } from "../schemas.ts";

const PATH = "/operator/v1/agents";
const tags = ["Operator: agents"];

const Query = Type.Object({
  ...pageProperties,
  within: Type.Optional(Type.String({ maxLength: 64, description: "Only this agent and those below it." })),
  parent: Type.Optional(Type.String({ maxLength: 64, description: "Only those directly below this agent." })),
});

/** `POST|GET /operator/v1/agents`, `GET …/:id`, `POST …/:id/move`. */
export function registerManageAgents(operator: ApiServer, services: OperatorAgentServices): void {
  const { db } = services;
  operator.post(
    PATH,
    {
      schema: {
        operationId: "createAgent",
        tags,
        summary: "Create an agent",
        body: AgentBody,
        response: { 200: AgentObject, 201: AgentObject },
      },
    },
    async (request, reply) => {
      const { name, parent, time_zone } = request.body;
      const parent_id = parent === undefined ? null : readAgentId(parent, "parent");
      const input = {
        name,
        parent_id,
        created_by: request.operator.user_id,
        ...(time_zone !== undefined && { time_zone }),
      };
      const result = await makeOnce(services, { request, reply, object_type: "agent" }, (tx) =>
        createAgent(tx, services, input),
      );
      const agent = "made" in result ? result.made : await loadAgent(db, result.replayed);
      return reply.code("made" in result ? 201 : 200).send(presentAgent(agent!));
    },
  );
  operator.get(
    PATH,
    {
      schema: {
        operationId: "listAgents",
        tags,
        summary: "List agents",
        querystring: Query,
        response: { 200: ListOf(AgentObject) },
      },
    },
    async ({ query }) => {
      const page = readPage(query, "agent");
      const of = (text: string | undefined) => (text === undefined ? null : readAgentId(text));
      const found = await listAgents(db, { within: of(query.within), parent_id: of(query.parent), page });
      const { rows, has_more } = cutPage(page, found);
      return toList(
        rows.map((agent) => presentAgent(agent)),
        has_more,
        PATH,
      );
    },
  );
  registerRead(operator, services);
  registerMove(operator, services);
}

function registerRead(operator: ApiServer, { db }: OperatorAgentServices): void {
  operator.get(
    `${PATH}/:id`,
    {
      schema: {
        operationId: "readAgent",
        tags,
        summary: "Read an agent",
        params: AgentParams,
        response: { 200: AgentObject },
      },
    },
    async ({ params }) => {
      const agent = await loadAgent(db, readAgentId(params.id));
      if (!agent) throw agentErrors["agent.not_found"]();
      return presentAgent(agent);
    },
  );
}

const MoveBody = Type.Object({
  parent: Type.Union([Type.String({ maxLength: 64 }), Type.Null()], {
    description: "The agent under which it goes, with all below it; null directly under the platform.",
  }),
});

function registerMove(operator: ApiServer, services: OperatorAgentServices): void {
  operator.post(
    `${PATH}/:id/move`,
    {
      schema: {
        operationId: "moveAgent",
        tags,
        summary: "Move an agent with all below it",
        description: "It counts for payments that are priced from now on. What was earned stays with who earned it.",
        params: AgentParams,
        body: MoveBody,
        response: { 200: AgentObject },
      },
    },
    async ({ params, body }) => {
      const [id, parent_id] = [
        readAgentId(params.id),
        body.parent === null ? null : readAgentId(body.parent, "parent"),
      ];
      return presentAgent(await services.db.transaction((tx) => moveAgent(tx, services, id, parent_id)));
    },
  );
}
