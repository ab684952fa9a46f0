/**
 * Guarantees: only an active operator who is signed in acts; everything that one changes, or tries to, is in the audit trail
 * with its outcome, also where the process dies in between; an Idempotency-Key makes one thing once, for each operator;
 * a trail that cannot be finished does not undo what was done.
 */
import { Type } from "typebox";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createManualClock, type ManualClock } from "../../kit/clock.ts";
import { defineErrors } from "../../kit/error.ts";
import type { ApiServer } from "../../kit/http/api.ts";
import { createHttpServer } from "../../kit/http/server.ts";
import { createIdSource, publicId } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import { createMerchant, loadMerchants } from "../merchant/index.ts";
import { createUser, registerSessionRoutes, setUserStatus } from "../user/index.ts";
import { listOperatorActions, makeOnce, openOperatorScope, recordCommand, registerListActions } from "./index.ts";

const refusals = defineErrors({
  "door.refused": { type: "conflict_error", status: 409, message: "Not so.", retryable: false, outcome: "none" },
});
const page = { older_than: null, newer_than: null, order: "desc", fetch: 50 } as const;
let database: TestDatabase;
let db: Database;
let clock: ManualClock;
let server: ApiServer;
let given: {
  db: Database;
  sql: Database;
  clock: ManualClock;
  random: typeof systemRandom;
  log: ReturnType<typeof createLogger>;
  ids: ReturnType<typeof createIdSource>;
};
let ann: { email: string; token: string };
let ben: { email: string; token: string };

beforeAll(async () => {
  database = await createTestDatabase();
  clock = createManualClock(1_795_176_000_000);
  const log = createLogger("silent");
  db = openDatabase({ url: database.url, connections_max: 8, log, random: systemRandom });
  given = { db, sql: db, clock, random: systemRandom, log, ids: createIdSource(clock, systemRandom) };
  server = await createHttpServer({ ...given, base_url: "https://pay.example" });
  registerSessionRoutes(server, { ...given, public_url: "https://pay.example" });
  await server.register(async (operator) => {
    openOperatorScope(operator, { ...given, public_url: "https://pay.example" });
    registerListActions(operator, given);
    registerThings(operator);
  });
  [ann, ben] = [await signIn("ann"), await signIn("ben")];
});
beforeEach(() => clock.advance(60_000));
afterAll(async () => {
  await server?.close();
  await db?.close();
  await database?.drop();
});

/** A route as a module would add it. */
function registerThings(operator: ApiServer): void {
  const body = Type.Object({
    name: Type.String(),
    reason: Type.Optional(Type.String()),
    card: Type.Optional(Type.String()),
  });
  const schema = { operationId: "makeThing", tags: ["Operator: things"], body };
  operator.post("/operator/v1/things", { schema }, async (request, reply) => {
    const { name } = request.body;
    if (name === "refused") throw refusals["door.refused"]();
    if (name === "broken") throw new Error("a fault of ours");
    const result = await makeOnce(given, { request, reply, object_type: "merchant" }, (tx) =>
      createMerchant({ ...given, sql: tx }, { name }),
    );
    const id = "made" in result ? result.made.id : result.replayed;
    return { id: publicId("merchant", id), by: request.operator.email };
  });
}

async function signIn(name: string) {
  const input = { email: `${name}@example.com`, name, role: "operator", merchant_id: null } as const;
  const { user, password } = await createUser(given, input);
  const payload = { email: user.email, password: password.reveal() };
  const answer = await server.inject({ method: "POST", url: "/console/session", payload });
  return { email: user.email, token: /ses_\w+/.exec(String(answer.headers["set-cookie"]))![0] };
}

function make(payload: object, headers: Record<string, string> = {}, who = ann) {
  clock.advance(1);
  const authorization = `Bearer ${who.token}`;
  return server.inject({
    method: "POST",
    url: "/operator/v1/things?",
    payload,
    headers: { authorization, ...headers },
  });
}
async function trail(query = "") {
  const headers = { authorization: `Bearer ${ann.token}` };
  return (await server.inject({ url: `/operator/v1/actions${query}`, headers })).json().data;
}
const merchantCount = async () => (await loadMerchants(db, null, 1_000)).length;

test("a change is in the trail with who, what, where, why and how it ended, and without what was sent", async () => {
  const answer = await make({ name: "Shop", reason: " as agreed ", card: "6222020000000000" });
  expect([answer.statusCode, answer.json().by]).toEqual([200, ann.email]);
  const [action] = await trail();
  expect(action).toMatchObject({
    ...{ object: "operator_action", operator: { email: ann.email, name: "ann" }, source: "api" },
    ...{ operation: "makeThing", target: "POST /operator/v1/things", reason: "as agreed", address: "127.0.0.1" },
    ...{ request_id: answer.headers["request-id"], status: 200, code: null, object_id: answer.json().id },
  });
  expect(JSON.stringify(action)).not.toContain("6222");
});

test("what was refused, or failed, is in the trail too; what was no request is not", async () => {
  expect((await make({ name: "refused" })).statusCode).toBe(409);
  expect((await trail())[0]).toMatchObject({ status: 409, code: "door.refused", object_id: null });
  expect((await make({ name: "broken" })).statusCode).toBe(500);
  expect((await trail())[0]).toMatchObject({ status: 500, code: "api.internal" });
  const before = (await trail()).length;
  expect((await make({ nonsense: 1 })).statusCode).toBe(400);
  expect(await trail()).toHaveLength(before);
});

test("the trail is filtered by operator and operation, and paged", async () => {
  await make({ name: "By Ben" }, {}, ben);
  const [of_ben] = await trail();
  expect((await trail(`?operator=${of_ben.operator.id}`)).map((one: { id: string }) => one.id)).toEqual([of_ben.id]);
  expect(await trail("?operation=otherThing")).toEqual([]);
  expect(await trail("?operator=usr_x")).toEqual([]);
  const [first] = await trail("?limit=1");
  const [second] = await trail(`?limit=1&starting_after=${first.id}`);
  expect((await trail("?limit=2")).map((one: { id: string }) => one.id)).toEqual([first.id, second.id]);
});

test("a key makes one thing once, also at the same moment; another body under it, or another operator, is another matter", async () => {
  const before = await merchantCount();
  const headers = { "idempotency-key": "key-1" };
  const answers = await Promise.all(Array.from({ length: 5 }, () => make({ name: "Once" }, headers)));
  expect(new Set(answers.map((answer) => `${answer.statusCode} ${answer.json().id}`)).size).toBe(1);
  expect(answers.filter((answer) => answer.headers["idempotent-replayed"] === "true")).toHaveLength(4);
  expect(await merchantCount()).toBe(before + 1);
  expect((await make({ name: "Other" }, headers)).json().error.code).toBe("idempotency.key_reused");
  expect((await make({ name: "Once" }, headers, ben)).statusCode).toBe(200);
  expect(await merchantCount()).toBe(before + 2);
});

test("who is disabled acts no more", async () => {
  const eve = await signIn("eve");
  expect((await make({ name: "Eve" }, {}, eve)).statusCode).toBe(200);
  await setUserStatus(db, eve.email, "disabled");
  expect((await make({ name: "Eve" }, {}, eve)).json().error.code).toBe("user.not_signed_in");
});

test("a process that dies in the middle leaves an action without an outcome", async () => {
  const broken = {
    ...given,
    db: {
      ...db,
      query: (async (statement, values) => {
        if (statement.name === "operator.finish_action") throw new Error("gone");
        return db.query(statement, values);
      }) as Database["query"],
    },
  };
  const cut = await createHttpServer({ ...given, base_url: "https://pay.example" });
  await cut.register(async (operator) => {
    openOperatorScope(operator, { ...broken, public_url: "https://pay.example" });
    registerThings(operator);
  });
  const headers = { authorization: `Bearer ${ann.token}` };
  const answer = await cut.inject({ method: "POST", url: "/operator/v1/things", payload: { name: "Cut" }, headers });
  await cut.close();
  expect(answer.statusCode).toBe(200);
  expect((await trail())[0]).toMatchObject({ operation: "makeThing", status: null, finished_at: null });
});

test("a command acts for an operator, and is in the trail", async () => {
  const command = { by: ann.email, operation: "thing make", target: "Shop", reason: "why" };
  expect(await recordCommand(given, command, async ({ email }) => email)).toBe(ann.email);
  clock.advance(1);
  const refused = recordCommand(given, command, () => Promise.reject(refusals["door.refused"]()));
  await expect(refused).rejects.toMatchObject({ code: "door.refused" });
  const [second, first] = await listOperatorActions(db, { user_id: null, operation: "thing make" }, page);
  expect([first, second]).toMatchObject([
    { source: "cli", target: "Shop", reason: "why", status: 200, code: null },
    { source: "cli", status: 409, code: "door.refused" },
  ]);
  const nobody = recordCommand(given, { ...command, by: "nobody@example.com" }, async () => undefined);
  await expect(nobody).rejects.toMatchObject({ code: "user.not_operator" });
});
