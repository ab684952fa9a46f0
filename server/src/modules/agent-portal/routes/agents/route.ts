import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { publicId } from "../../../../kit/id.ts";
import { AgentObject, AgentParams, createAgent, getAgent, listAgents, presentAgent } from "../../../agent/index.ts";
import { makeOnce } from "../../../operator/index.ts";
import type { AgentPortalServices } from "../../services.ts";
import { findAgentWithin } from "../../within.ts";

const PATH = "/agent/v1/agents";
const tags = ["Agents: your agents"];

const Me = Type.Object({
  object: Type.Literal("agent_person"),
  id: Type.String(),
  email: Type.String(),
  name: Type.String(),
  agent: AgentObject,
});

const Query = Type.Object({
  ...pageProperties,
  parent: Type.Optional(Type.String({ maxLength: 64, description: "Only those directly below this agent." })),
});

const Body = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 100 }),
  time_zone: Type.Optional(
    Type.String({ maxLength: 64, description: "IANA name, by which its months end; Asia/Shanghai unless given." }),
  ),
});

/** `GET /agent/v1/me`, `POST|GET /agent/v1/agents`, `GET …/:id`. */
export function registerAgentRoutes(agents: ApiServer, services: AgentPortalServices): void {
  const { db } = services;
  agents.get(
    "/agent/v1/me",
    { schema: { operationId: "readAgentPerson", tags, summary: "Who you are", response: { 200: Me } } },
    async ({ agent: { user_id, email, name, agent_id } }) => ({
      ...{ object: "agent_person" as const, id: publicId("user", user_id), email, name },
      agent: presentAgent(await getAgent(db, agent_id), agent_id),
    }),
  );
  agents.get(
    PATH,
    {
      schema: {
        ...{ operationId: "listYourAgents", tags, summary: "List your agents: yours and all below it" },
        querystring: Query,
        response: { 200: ListOf(AgentObject) },
      },
    },
    async ({ agent: { agent_id }, query }) => {
      const page = readPage(query, "agent");
      const parent =
        query.parent === undefined ? undefined : await findAgentWithin(db, agent_id, query.parent, "parent");
      const found = await listAgents(db, { within: agent_id, parent_id: parent?.id ?? null, page });
      const { rows, has_more } = cutPage(page, found);
      return toList(
        rows.map((one) => presentAgent(one, agent_id)),
        has_more,
        PATH,
      );
    },
  );
  agents.get(
    `${PATH}/:id`,
    {
      schema: {
        ...{ operationId: "readYourAgent", tags, summary: "Read an agent" },
        params: AgentParams,
        response: { 200: AgentObject },
      },
    },
    async ({ agent: { agent_id }, params }) => presentAgent(await findAgentWithin(db, agent_id, params.id), agent_id),
  );
  registerCreate(agents, services);
}

function registerCreate(agents: ApiServer, services: AgentPortalServices): void {
  agents.post(
    PATH,
    {
      schema: {
        ...{ operationId: "createYourAgent", tags, summary: "Create an agent directly below yours" },
        body: Body,
        response: { 200: AgentObject, 201: AgentObject },
      },
    },
    async (request, reply) => {
      const { agent_id, user_id } = request.agent;
      const input = { ...request.body, parent_id: agent_id, created_by: user_id };
      const result = await makeOnce(services, { request, reply, object_type: "agent", user_id }, (tx) =>
        createAgent(tx, services, input),
      );
      const made = "made" in result ? result.made : await getAgent(services.db, result.replayed);
      return reply.code("made" in result ? 201 : 200).send(presentAgent(made, agent_id));
    },
  );
}
