/** The door of `/agent/v1`: who enters. */
import type { FastifyRequest } from "fastify";
import type { AgentPerson, ApiServer } from "../../kit/http/api.ts";
import { isSameOrigin } from "../../kit/http/same-origin.ts";
import { readSessionToken, requireSession } from "../user/index.ts";
import { agentPortalErrors } from "./errors.ts";
import type { AgentPortalServices } from "./services.ts";

/**
 * Prepares a scope of the server for people of agents: every route registered in it is behind the door.
 * @param public_url where the public reaches this server; pages of it may send changes.
 */
export function openAgentScope(server: ApiServer, services: AgentPortalServices & { public_url: string }): void {
  const public_origin = new URL(services.public_url).origin;
  server.addHook("onRoute", (route) => {
    if (route.schema) route.schema = { ...route.schema, security: [{ agent_session: [] }] };
  });
  server.addHook("onRequest", async (request) => {
    request.agent = await admit(services, request, public_origin);
  });
}

async function admit(
  { db, clock }: AgentPortalServices,
  request: FastifyRequest,
  public_origin: string,
): Promise<AgentPerson> {
  const session = readSessionToken(request.headers);
  const { user } = await requireSession(db, clock, session?.token);
  if (user.role !== "agent" || user.agent_id === null) throw agentPortalErrors["agent.not_agent"]();
  const isSafe = request.method === "GET" || request.method === "HEAD";
  if (session?.by === "cookie" && !isSafe && !isSameOrigin(request.headers, public_origin)) {
    throw agentPortalErrors["agent.origin_refused"]();
  }
  return { user_id: user.id, email: user.email, name: user.name, agent_id: user.agent_id };
}
