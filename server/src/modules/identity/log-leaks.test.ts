/**
 * Guarantee: no log line holds a key, a credential or a payer's data, however talkative the log and wherever in a request
 * the secret stood, refused or not, and whatever failed meanwhile.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { systemClock } from "../../kit/clock.ts";
import type { ApiServer } from "../../kit/http/api.ts";
import { createHttpServer } from "../../kit/http/server.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import { createAuthenticator } from "./index.ts";

const SECRET = "s3cr3tS3cr3tS3cr3tS3cr3tS3cr3tXY";
const key = `sk_live_${SECRET}`;
const lines: string[] = [];
const log = createLogger("trace", { write: (line) => void lines.push(line) });
let database: TestDatabase;
let db: Database;
let server: ApiServer;

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, connections_max: 2, log, random: systemRandom });
  const limit = { per_second: 1_000, burst: 1_000 };
  const authenticator = createAuthenticator({ db, clock: systemClock, key_limit: limit, failure_limit: limit });
  const options = { log, clock: systemClock, random: systemRandom, base_url: "", slow_request_ms: 0 };
  server = await createHttpServer(options);
  server.post("/open/:id", (request) => request.body);
  // Failures whose message or detail quotes what came in.
  server.post<{ Body: { payer: { openid: string } } }>("/cast", (request) =>
    db.query(platformStatement("", "select $1::uuid"), [request.body.payer.openid]),
  );
  server.post<{ Body: { payer: { openid: string } } }>("/duplicate", async (request) => {
    const statement = platformStatement(
      "",
      "insert into merchants (id, name, created_at) select gen_random_uuid(), $1, null",
    );
    await db.query(statement, [request.body.payer.openid]);
  });
  server.register(async (scope) => {
    scope.addHook("onRequest", authenticator.hook);
    scope.post("/v1/closed", (request) => request.body);
  });
});

afterAll(async () => {
  await server?.close();
  await db?.close();
  await database?.drop();
});

const payload = {
  payer: { openid: SECRET, auth_code: SECRET, ip: SECRET },
  metadata: { note: SECRET },
  [SECRET]: SECRET,
  password: SECRET,
};
const headers = {
  authorization: `Bearer ${key}`,
  cookie: `session=${SECRET}`,
  "idempotency-key": SECRET,
  "x-request-id": SECRET,
  "x-forwarded-for": SECRET,
  "user-agent": SECRET,
  referer: `https://x.example/${SECRET}`,
};

test("requests full of secrets leave none in the log", async () => {
  const urls = ["/open/", "/cast?token=", "/duplicate?token=", "/v1/closed?token=", "/nowhere/"].map(
    (url) => url + SECRET,
  );
  for (const url of [...urls, `/open/${SECRET.repeat(10)}`, `/open/%zz${SECRET}`]) {
    await server.inject({ method: "POST", url, headers, payload });
    await server.inject({ method: "PUT", url, headers, payload });
    await server.inject({
      method: "POST",
      url,
      headers: { ...headers, "content-type": "application/json" },
      payload: `{"${SECRET}`,
    });
    await server.inject({
      method: "POST",
      url,
      headers: { ...headers, "content-type": `text/${SECRET}` },
      payload: SECRET,
    });
  }
  const all = lines.join("");
  // The log did speak: of refusals, of slow requests and of faults.
  expect(all).toContain("a request was refused");
  expect(all).toContain("a request was slow");
  expect(all.match(/"a request failed"/g)?.length).toBeGreaterThanOrEqual(2);
  expect(all).not.toContain(SECRET);
});

test("a logger that is handed secrets and a payer's data by name hides them", () => {
  lines.length = 0;
  log.error(
    { authorization: key, payer: { openid: SECRET }, account: { secrets: { api_v3_key: SECRET } }, body: SECRET },
    "careless",
  );
  expect(lines.join("")).toContain("careless");
  expect(lines.join("")).not.toContain(SECRET);
});
