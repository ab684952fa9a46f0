/**
 * Guarantees: a person signs in with email and password and is known by a cookie that no script reads; whoever gets either
 * wrong learns nothing of which, and waits after a few; signing out, another password or being disabled ends sessions at
 * once, and time ends them all.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../../../test/database/test-database.ts";
import { createManualClock, type ManualClock } from "../../../../kit/clock.ts";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { createHttpServer } from "../../../../kit/http/server.ts";
import { createIdSource, publicId } from "../../../../kit/id.ts";
import { createLogger } from "../../../../kit/log.ts";
import { systemRandom } from "../../../../kit/random.ts";
import { type Database, openDatabase } from "../../../../kit/sql/database.ts";
import { createMerchant } from "../../../merchant/index.ts";
import { createUser, replacePassword, setUserStatus } from "../../manage-users.ts";
import { registerSessionRoutes } from "./route.ts";

const HOUR_MS = 3_600_000;
let database: TestDatabase;
let db: Database;
let server: ApiServer;
let clock: ManualClock;
let given: Parameters<typeof createUser>[0] & { db: Database };

beforeAll(async () => {
  database = await createTestDatabase();
  clock = createManualClock(1_795_176_000_000);
  const parts = { clock, random: systemRandom, log: createLogger("silent") };
  db = openDatabase({ url: database.url, connections_max: 4, log: parts.log, random: systemRandom });
  given = { db, sql: db, ...parts, ids: createIdSource(clock, systemRandom) };
  server = await createHttpServer({ ...parts, base_url: "https://pay.example" });
  registerSessionRoutes(server, { ...given, public_url: "https://pay.example" });
});

afterAll(async () => {
  await server?.close();
  await db?.close();
  await database?.drop();
});

let made = 0;

async function makeOperator() {
  made += 1;
  const input = { email: `Person${made}@Example.com`, name: "Person", role: "operator", merchant_id: null } as const;
  const { user, password } = await createUser(given, input);
  return { email: user.email, password: password.reveal() };
}

const signIn = (payload: object, remoteAddress = `192.0.2.${made}`) =>
  server.inject({ method: "POST", url: "/console/session", payload, remoteAddress });
const ask = (cookie?: string) =>
  server.inject({ method: "GET", url: "/console/session", headers: cookie === undefined ? {} : { cookie } });

/** The cookie as a browser sends it back. */
function cookieOf(answer: { headers: Record<string, unknown> }): string {
  return String(answer.headers["set-cookie"]).split(";")[0]!;
}

test("who signs in is known until signing out", async () => {
  const merchant = await createMerchant(given, { name: "Shop" });
  const input = { email: "shop@example.com", name: "店长", role: "merchant", merchant_id: merchant.id } as const;
  const { password } = await createUser(given, input);
  const answer = await signIn({ email: " SHOP@example.com ", password: password.reveal() });
  expect(answer.statusCode).toBe(201);
  const who = {
    email: "shop@example.com",
    name: "店长",
    role: "merchant",
    merchant: publicId("merchant", merchant.id),
  };
  expect(answer.json()).toMatchObject({ object: "session", user: { object: "user", ...who } });
  expect(answer.headers["set-cookie"]).toMatch(
    /^tributary_session=ses_\w{32}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
  );
  expect(answer.body).not.toContain("ses_");
  const cookie = cookieOf(answer);
  expect((await ask(`theme=dark; ${cookie}`)).json()).toEqual(answer.json());
  const out = await server.inject({ method: "DELETE", url: "/console/session", headers: { cookie } });
  expect([out.statusCode, cookieOf(out)]).toEqual([204, "tributary_session="]);
  expect((await ask(cookie)).json().error.code).toBe("user.not_signed_in");
});

test("without a session, or with one that nobody gave, nobody is signed in", async () => {
  for (const cookie of [undefined, "tributary_session=", `tributary_session=ses_${"A".repeat(32)}`, "other=1"]) {
    const answer = await ask(cookie);
    expect([answer.statusCode, answer.json().error.code]).toEqual([401, "user.not_signed_in"]);
  }
});

test("a wrong password and a wrong email get the same answer, and after five of an email its owner waits too", async () => {
  const { email, password } = await makeOperator();
  const wrong = await signIn({ email, password: "guess" });
  const unknown = await signIn({ email: "nobody@example.com", password: "guess" });
  const withoutId = (body: { error: Record<string, unknown> }) => ({ ...body.error, request_id: "" });
  expect([wrong.statusCode, withoutId(wrong.json())]).toEqual([401, withoutId(unknown.json())]);
  for (let guess = 2; guess <= 5; guess += 1) await signIn({ email, password: "guess" });
  const waiting = await signIn({ email, password });
  expect([waiting.statusCode, waiting.json().error.code]).toEqual([429, "request.rate_limited"]);
  clock.advance(1_000 * Number(waiting.headers["retry-after"]));
  expect((await signIn({ email, password })).statusCode).toBe(201);
});

test("twenty wrong guesses make their address wait, and no other", async () => {
  const { email, password } = await makeOperator();
  for (let guess = 0; guess < 20; guess += 1) {
    await signIn({ email: `guess${guess}@example.com`, password: "guess" }, "198.51.100.1");
  }
  expect((await signIn({ email, password }, "198.51.100.1")).statusCode).toBe(429);
  expect((await signIn({ email, password }, "198.51.100.2")).statusCode).toBe(201);
});

test("a new password, or being disabled, ends every session at once", async () => {
  const { email, password } = await makeOperator();
  const sessions = [await signIn({ email, password }), await signIn({ email, password })].map(cookieOf);
  const replaced = await replacePassword({ db, random: systemRandom }, email);
  for (const cookie of sessions) expect((await ask(cookie)).statusCode).toBe(401);
  expect((await signIn({ email, password })).statusCode).toBe(401);
  const renewed = { email, password: replaced.password.reveal() };
  const cookie = cookieOf(await signIn(renewed));
  expect((await ask(cookie)).statusCode).toBe(200);
  await setUserStatus(db, email, "disabled");
  expect((await ask(cookie)).statusCode).toBe(401);
  expect((await signIn(renewed)).statusCode).toBe(401);
  await setUserStatus(db, email, "active");
  expect((await ask(cookie)).statusCode).toBe(401);
  expect((await signIn(renewed)).statusCode).toBe(201);
});

test("a session is over after twelve hours", async () => {
  const { email, password } = await makeOperator();
  const cookie = cookieOf(await signIn({ email, password }));
  clock.advance(12 * HOUR_MS - 1);
  expect((await ask(cookie)).statusCode).toBe(200);
  clock.advance(1);
  expect((await ask(cookie)).statusCode).toBe(401);
});

test("what makes no user is refused with a sentence", async () => {
  const person = { email: "a@example.com", name: "A", role: "operator", merchant_id: null } as const;
  const refused = async (changes: object) => {
    const error = await createUser(given, { ...person, ...changes }).catch((thrown: unknown) => thrown);
    return (error as { code?: string }).code;
  };
  expect(await refused({ email: "no address" })).toBe("user.invalid");
  expect(await refused({ name: " " })).toBe("user.invalid");
  expect(await refused({ role: "merchant" })).toBe("user.invalid");
  expect(await refused({ merchant_id: given.ids.uuid() })).toBe("user.invalid");
  expect(await refused({ role: "merchant", merchant_id: given.ids.uuid() })).toBe("merchant.not_found");
  await createUser(given, person);
  expect(await refused({ email: "A@EXAMPLE.com" })).toBe("user.email_taken");
});
