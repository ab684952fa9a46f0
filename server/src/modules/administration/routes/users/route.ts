import { Type } from "typebox";
import { toRfc3339 } from "../../../../kit/clock.ts";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { parsePublicId, publicId } from "../../../../kit/id.ts";
import { agentErrors } from "../../../agent/index.ts";
import { merchantErrors } from "../../../merchant/index.ts";
import { makeOnce } from "../../../operator/index.ts";
import {
  createUser,
  loadUsers,
  pageUsers,
  type Role,
  replacePassword,
  roles,
  setUserStatus,
  type User,
  userErrors,
} from "../../../user/index.ts";
import { IdParams, Reason, requireId } from "../../of-merchant.ts";
import type { AdministrationServices } from "../../services.ts";

const PATH = "/operator/v1/users";
const tags = ["Operator: users"];
const NullableString = Type.Union([Type.String(), Type.Null()]);
const RoleChoice = Type.Unsafe<Role>({ type: "string", enum: [...roles] });

const UserObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("user"),
  email: Type.String(),
  name: Type.String(),
  role: RoleChoice,
  merchant: NullableString,
  agent: NullableString,
  status: Type.Unsafe<User["status"]>({ type: "string", enum: ["active", "disabled"] }),
  password: Type.Optional(
    Type.String({ description: "Generated; shown by the request that made it, and never again." }),
  ),
  created_at: Type.String({ format: "date-time" }),
});

function presentUser({ id, email, name, role, merchant_id, agent_id, status, created_at }: User, password?: string) {
  return {
    ...{ id: publicId("user", id), object: "user" as const, email, name, role, status },
    merchant: merchant_id === null ? null : publicId("merchant", merchant_id),
    agent: agent_id === null ? null : publicId("agent", agent_id),
    ...(password !== undefined && { password }),
    created_at: toRfc3339(created_at),
  };
}

/** `/operator/v1/users`: people who sign in. Operators are made by the command line alone. */
export function registerUsers(operator: ApiServer, services: AdministrationServices): void {
  registerListUsers(operator, services);
  registerCreateUser(operator, services);
  registerChangeUser(operator, services);
}

/** @throws user.not_found */
async function requireUser({ db }: AdministrationServices, public_id: string): Promise<User> {
  const id = requireId("user", public_id, userErrors["user.not_found"]);
  const user = (await loadUsers(db, [id])).get(id);
  if (!user) throw userErrors["user.not_found"]();
  return user;
}

function registerListUsers(operator: ApiServer, services: AdministrationServices): void {
  const { db } = services;
  const querystring = Type.Object({
    ...pageProperties,
    role: Type.Optional(RoleChoice),
    merchant: Type.Optional(Type.String({ maxLength: 64, description: "Only this merchant's people, by id." })),
  });
  operator.get(
    PATH,
    {
      schema: {
        operationId: "listUsers",
        tags,
        summary: "List users",
        querystring,
        response: { 200: ListOf(UserObject) },
      },
    },
    async ({ query }) => {
      const page = readPage(query, "user");
      const merchant_id = query.merchant === undefined ? null : parsePublicId("merchant", query.merchant);
      if (merchant_id === undefined) return toList([], false, PATH);
      const { rows, has_more } = cutPage(page, await pageUsers(db, { role: query.role ?? null, merchant_id }, page));
      return toList(
        rows.map((user) => presentUser(user)),
        has_more,
        PATH,
      );
    },
  );
  operator.get(
    `${PATH}/:id`,
    {
      schema: {
        operationId: "readUser",
        tags,
        summary: "Read a user",
        params: IdParams,
        response: { 200: UserObject },
      },
    },
    async ({ params }) => presentUser(await requireUser(services, params.id)),
  );
}

function registerCreateUser(operator: ApiServer, services: AdministrationServices): void {
  const Body = Type.Object({
    email: Type.String({ minLength: 3, maxLength: 254 }),
    name: Type.String({ minLength: 1, maxLength: 100 }),
    merchant: Type.Optional(Type.String({ maxLength: 64, description: "Whose books the person sees." })),
    agent: Type.Optional(
      Type.String({ maxLength: 64, description: "Of a person of an agent, who sees it and what stands below it." }),
    ),
  });
  operator.post(
    PATH,
    {
      schema: {
        operationId: "createUser",
        tags,
        summary: "Create a merchant's or an agent's user",
        description:
          "The generated password is in this answer alone; a replay does not have it. Operators are made by the command line.",
        body: Body,
        response: { 200: UserObject, 201: UserObject },
      },
    },
    async (request, reply) => {
      const { email, name, merchant, agent } = request.body;
      const merchant_id =
        merchant === undefined ? null : requireId("merchant", merchant, merchantErrors["merchant.not_found"]);
      const agent_id = agent === undefined ? null : requireId("agent", agent, agentErrors["agent.not_found"]);
      const role: Role = agent_id === null ? "merchant" : "agent";
      const input = { email, name, role, merchant_id, agent_id };
      const result = await makeOnce(services, { request, reply, object_type: "user" }, async (tx) => {
        const made = await createUser({ ...services, sql: tx }, input);
        return { id: made.user.id, ...made };
      });
      if ("replayed" in result) {
        const user = (await loadUsers(services.db, [result.replayed])).get(result.replayed)!;
        return reply.code(200).send(presentUser(user));
      }
      return reply.code(201).send(presentUser(result.made.user, result.made.password.reveal()));
    },
  );
}

function registerChangeUser(operator: ApiServer, services: AdministrationServices): void {
  const { db } = services;
  for (const [word, status] of [["disable", "disabled"] as const, ["enable", "active"] as const]) {
    operator.post(
      `${PATH}/:id/${word}`,
      {
        schema: {
          operationId: `${word}User`,
          tags,
          summary: word === "disable" ? "Keep a user out" : "Let a user in again",
          description: "Who is disabled is signed out everywhere.",
          params: IdParams,
          body: Type.Object({ reason: Reason }),
          response: { 200: UserObject },
        },
      },
      async ({ params }) => {
        const { email } = await requireUser(services, params.id);
        return presentUser(await setUserStatus(db, email, status));
      },
    );
  }
  operator.post(
    `${PATH}/:id/new_password`,
    {
      schema: {
        operationId: "replaceUserPassword",
        tags,
        summary: "Give a merchant's user another password",
        description: "Ends all sessions of the old one. Operators get theirs by the command line.",
        params: IdParams,
        body: Type.Object({ reason: Reason }),
        response: { 200: UserObject },
      },
    },
    async ({ params }) => {
      const found = await requireUser(services, params.id);
      if (found.role === "operator") {
        const problem = "An operator's password is replaced by the command line only.";
        throw userErrors["user.invalid"]({ values: { problem } });
      }
      const { user, password } = await replacePassword(services, found.email);
      return presentUser(user, password.reveal());
    },
  );
}
