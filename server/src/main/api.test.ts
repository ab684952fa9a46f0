/**
 * Guarantees, for every published operation, whoever adds one: without a good key (a merchant's) or session (an operator's, an
 * agent's) it answers nothing; an id that does not exist and one that cannot exist are the same 404; fields that it does not know are
 * refused by name. Nobody else's page changes anything in an operator's browser. Pages that need no key are limited by address.
 */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../test/database/test-database.ts";
import { systemClock } from "../kit/clock.ts";
import type { ApiServer } from "../kit/http/api.ts";
import { idPrefixes } from "../kit/id.ts";
import { createLogger } from "../kit/log.ts";
import { systemRandom } from "../kit/random.ts";
import { Secret } from "../kit/secret.ts";
import { createAgent } from "../modules/agent/index.ts";
import { createApiKey } from "../modules/identity/index.ts";
import { createApp, createMerchant } from "../modules/merchant/index.ts";
import { createUser, type Role } from "../modules/user/index.ts";
import { createApi } from "./api.ts";
import { createServices, type Services } from "./services.ts";

type Method = "GET" | "POST" | "PATCH" | "DELETE";

interface Operation {
  method: Method;
  path: string;
  hasBody: boolean;
  /** Its body is a file, and no JSON. */
  takesFile: boolean;
}

let database: TestDatabase;
let services: Services;
let api: ApiServer;
let key: string;
let session: string;
let agentSession: string;
let merchant: { id: string };
let operations: Operation[];

beforeAll(async () => {
  database = await createTestDatabase();
  const parts = { clock: systemClock, random: systemRandom, log: createLogger("silent") };
  const settings = {
    database_url: database.url,
    database_connections: 4,
    database_distributed: false,
    public_url: "https://pay.example",
    key_rate: 10_000,
    webhook_private_addresses: false,
    attempt_reuse_ms: 15_000,
    object_storage: { kind: "local" as const, folder: "/nowhere" },
  };
  services = createServices(settings, { ...parts, master_keys: [{ id: "test", key: new Secret(randomBytes(32)) }] });
  api = await createApi(services, { trusted_proxies: [], address_rate: 1_000, sandbox_url: undefined });
  const given = { ...services, sql: services.db };
  merchant = await createMerchant(given, { name: "Door" });
  const { app } = await createApp(given, { merchant_id: merchant.id, name: "Door" });
  const created = await createApiKey(given, { merchant_id: merchant.id, app_id: app.id, livemode: false });
  key = created.secret_key.reveal();
  session = await signIn("operator", null);
  const agent = await services.db.transaction((tx) => createAgent(tx, services, { name: "Door", parent_id: null }));
  agentSession = await signIn("agent", null, agent.id);
  operations = listOperations((await api.inject("/openapi.json")).json());
});

afterAll(async () => {
  await api?.close();
  await services?.close();
  await database?.drop();
});

async function signIn(role: Role, merchant_id: string | null, agent_id: string | null = null): Promise<string> {
  const input = { email: `${role}@example.com`, name: role, role, merchant_id, agent_id };
  const { user, password } = await createUser({ ...services, sql: services.db }, input);
  const payload = { email: user.email, password: password.reveal() };
  const answer = await api.inject({ method: "POST", url: "/console/session", payload });
  return /ses_\w+/.exec(String(answer.headers["set-cookie"]))![0];
}

const isOperators = ({ path }: Operation) => path.startsWith("/operator/v1/");
const isAgents = ({ path }: Operation) => path.startsWith("/agent/v1/");
/** What lets a caller do an operation. */
const authorizationFor = (operation: Operation) =>
  `Bearer ${isOperators(operation) ? session : isAgents(operation) ? agentSession : key}`;

type Published = { requestBody?: { content?: Record<string, unknown> } };

function listOperations(document: { paths: Record<string, Record<string, Published>> }): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase() as Method,
      path,
      hasBody: operation.requestBody !== undefined,
      takesFile: operation.requestBody !== undefined && !("application/json" in (operation.requestBody.content ?? {})),
    })),
  );
}

function ask(operation: Operation, options: { id?: string; query?: string; payload?: object; authorization?: string }) {
  const url = operation.path.replaceAll(/\{\w+\}/g, options.id ?? "x") + (options.query ?? "");
  const { payload, authorization } = options;
  return api.inject({
    method: operation.method,
    url,
    headers: authorization === undefined ? {} : { authorization },
    ...(payload && { payload }),
  });
}

test("there are operations, and all of them are under /v1, /operator/v1 or /agent/v1", () => {
  expect(operations.length).toBeGreaterThan(10);
  expect(operations.filter((one) => !one.path.startsWith("/v1/") && !isOperators(one) && !isAgents(one))).toEqual([]);
});

test("without a good key no operation says anything", async () => {
  for (const operation of operations) {
    const missing = await ask(operation, { payload: { no_such_field: 1 } });
    expect([operation.path, missing.statusCode, missing.json().error.code]).toEqual([
      operation.path,
      401,
      isOperators(operation) || isAgents(operation) ? "user.not_signed_in" : "identity.key_missing",
    ]);
  }
});

test("the document says who may do what operators do", async () => {
  const { paths, components } = (await api.inject("/openapi.json")).json();
  expect(Object.keys(components.securitySchemes)).toEqual(
    expect.arrayContaining(["api_key", "operator_session", "operator_token"]),
  );
  for (const { path, method } of operations.filter(isOperators)) {
    const { security, tags } = paths[path][method.toLowerCase()];
    expect([path, security]).toEqual([path, [{ operator_session: [] }, { operator_token: [] }]]);
    expect(tags[0]).toMatch(/^Operator: /);
  }
});

test("what operators do, nobody else may: no merchant's key, no merchant's person, and no other site in their browser", async () => {
  const person = await signIn("merchant", merchant.id);
  const only = operations.filter(isOperators);
  expect(only.length).toBeGreaterThan(3);
  for (const operation of only) {
    const codeOf = async (headers: Record<string, string>) => {
      const url = operation.path.replaceAll(/\{\w+\}/g, "x");
      return (await api.inject({ method: operation.method, url, headers })).json().error?.code;
    };
    expect([operation.path, await codeOf({ authorization: `Bearer ${key}` })]).toEqual([
      operation.path,
      "user.not_signed_in",
    ]);
    expect(await codeOf({ cookie: `tributary_session=${person}` })).toBe("user.not_operator");
    if (operation.method === "GET") continue;
    const cookie = `tributary_session=${session}`;
    expect(await codeOf({ cookie })).toBe("operator.origin_refused");
    expect(await codeOf({ cookie, origin: "https://evil.example" })).toBe("operator.origin_refused");
    expect(await codeOf({ cookie, "sec-fetch-site": "cross-site" })).toBe("operator.origin_refused");
    expect(await codeOf({ cookie, origin: "https://pay.example" })).not.toBe("operator.origin_refused");
  }
});

test("what people of an agent do, nobody else may: no merchant's key, and no operator's session", async () => {
  const only = operations.filter(isAgents);
  expect(only.length).toBeGreaterThan(3);
  for (const operation of only) {
    const codeOf = async (authorization: string) => (await ask(operation, { authorization })).json().error?.code;
    expect([operation.path, await codeOf(`Bearer ${key}`)]).toEqual([operation.path, "user.not_signed_in"]);
    expect(await codeOf(`Bearer ${session}`)).toBe("agent.not_agent");
  }
  for (const operation of operations.filter(isOperators)) {
    const answer = await ask(operation, { authorization: `Bearer ${agentSession}` });
    expect([operation.path, answer.json().error.code]).toEqual([operation.path, "user.not_operator"]);
  }
});

test("an id that does not exist and one that cannot exist are the same 404", async () => {
  const ids = Object.values(idPrefixes).map((prefix) => `${prefix}_01K00000000000000000000000`);
  const readable = operations.filter(
    ({ path, method }) => path.includes("{") && (method === "GET" || method === "DELETE"),
  );
  expect(readable.length).toBeGreaterThan(3);
  for (const operation of readable) {
    const authorization = authorizationFor(operation);
    const said = new Set<string>();
    for (const id of [...ids, "x", "%27or%201=1", "pay_"]) {
      const answer = await ask(operation, { id, authorization });
      const { code, message } = answer.json().error;
      // Some sentences name the id that was asked for.
      said.add(`${answer.statusCode} ${code} ${message.replaceAll(decodeURIComponent(id), "<id>")}`);
    }
    expect([operation.path, said.size]).toEqual([operation.path, 1]);
    expect(`${operation.path}: ${[...said][0]}`).toMatch(/: 404 \w+\.(\w+_)?not_found /);
  }
});

test("every operation refuses a field that it does not know", async () => {
  for (const operation of operations) {
    const authorization = authorizationFor(operation);
    const queried = await ask(operation, {
      authorization,
      query: "?no_such_field=1",
      ...(operation.hasBody && !operation.takesFile && { payload: {} }),
    });
    expect([operation.path, queried.statusCode, queried.json().error.code]).toEqual([
      operation.path,
      400,
      "request.invalid",
    ]);
    if (operation.method === "GET") continue;
    const sent = await ask(operation, { authorization, payload: { no_such_field: 1 } });
    if (operation.takesFile) {
      expect([operation.path, sent.json().error.code]).toEqual([operation.path, "request.unsupported_media_type"]);
      continue;
    }
    expect([operation.path, sent.statusCode, sent.json().error.code]).toEqual([operation.path, 400, "request.invalid"]);
    if (operation.hasBody) expect(sent.json().error.param).toBe("no_such_field");
  }
});

test("pages that need no key are limited by address, all together, and say when to come again", async () => {
  // Time stands still, so that no request is given back.
  const still = { ...services, clock: { now: () => 1_800_000_000_000 } };
  const settings = { trusted_proxies: [], address_rate: 1, sandbox_url: undefined };
  const limited = await createApi(still, settings);
  const ask = (url: string, remoteAddress: string) => limited.inject({ url, remoteAddress });
  try {
    const admitted = ["/c/x", "/docs", "/c/y", "/docs"];
    for (const url of admitted) expect((await ask(url, "192.0.2.1")).statusCode).not.toBe(429);
    for (const url of ["/c/x", "/docs"]) {
      const refused = await ask(url, "192.0.2.1");
      expect([url, refused.statusCode, refused.headers["retry-after"]]).toEqual([url, 429, "1"]);
      // People get a page, programs the catalogue's answer.
      expect(String(refused.headers["content-type"])).toMatch(url === "/c/x" ? /^text\/html/ : /^application\/json/);
      if (url === "/docs")
        expect(refused.json().error).toMatchObject({ code: "request.rate_limited", retryable: true });
    }
    expect((await ask("/docs", "192.0.2.2")).statusCode).toBe(200);
    expect((await ask("/healthz", "192.0.2.1")).statusCode).toBe(200);
    expect((await ask("/v1/payments", "192.0.2.1")).statusCode).toBe(401);
  } finally {
    await limited.close();
  }
});
