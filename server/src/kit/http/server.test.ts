/**
 * Guarantees: whatever happens, the answer is one of the catalogue, names its request, carries the security headers and
 * tells nothing of our insides; unreadable, endless and oversized requests are ended.
 */
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createManualClock, systemClock } from "../clock.ts";
import { createLogger } from "../log.ts";
import { createSeededRandom, systemRandom } from "../random.ts";
import { GroupFullError } from "../sql/group-commit.ts";
import type { ApiServer } from "./api.ts";
import { createRequestIds } from "./request-id.ts";
import { sendHtml } from "./security-headers.ts";
import { createHttpServer } from "./server.ts";

let server: ApiServer;
let port: number;
const logged: string[] = [];
const log = createLogger("info", { write: (line) => void logged.push(line) });

beforeAll(async () => {
  server = await createHttpServer({
    log,
    clock: systemClock,
    random: systemRandom,
    base_url: "https://pay.example",
    headers_timeout_ms: 100,
    request_timeout_ms: 300,
    connections_check_ms: 50,
  });
  const faults: Record<string, () => unknown> = {
    bug: () => Object.assign(new Error("select secret_column from merchants"), { statusCode: 418 }),
    text: () => "just a text",
    nothing: () => undefined,
    refused: () => Object.assign(new Error("connect ECONNREFUSED 10.0.0.1:5432"), { code: "ECONNREFUSED" }),
    full: () => new GroupFullError("payments has too much work waiting"),
  };
  server.get<{ Params: { fault: string } }>("/v1/faults/:fault", async (request) => {
    throw faults[request.params.fault]?.();
  });
  server.post<{ Params: { fault: string } }>("/v1/faults/:fault", async (request) => {
    throw faults[request.params.fault]?.();
  });
  server.get("/page", (_request, reply) => sendHtml(reply, "<p>page", { form_action: ["https://channel.example"] }));
  server.post("/v1/echo", (request) => request.body);
  server.post("/v1/talk", async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    log.info("deep inside");
    return {};
  });
  await server.listen({ host: "127.0.0.1", port: 0 });
  port = (server.server.address() as AddressInfo).port;
});

afterAll(() => server.close());

/** Sends raw bytes and gives all that comes back until the connection ends. */
async function sendRaw(
  bytes: string,
): Promise<{ status: number; head: string; error: { code: string; request_id: string } }> {
  const socket = connect(port, "127.0.0.1");
  let received = "";
  socket.setEncoding("utf8").on("data", (chunk) => {
    received += chunk;
  });
  socket.on("error", () => undefined);
  socket.write(bytes);
  await once(socket, "close");
  const [head = "", body = ""] = received.split("\r\n\r\n");
  return { status: Number(head.split(" ")[1]), head: head.toLowerCase(), error: JSON.parse(body).error };
}

test("a fault of ours is a 500 without stack, SQL or address, and its cause is in the log", async () => {
  for (const fault of ["bug", "text", "nothing"]) {
    const answer = await server.inject(`/v1/faults/${fault}`);
    expect([answer.statusCode, answer.json().error.code]).toEqual([500, "api.internal"]);
    expect(answer.body).not.toMatch(/select|secret_column|just a text|\.ts|stack/);
  }
  const line = logged.find((text) => text.includes("select secret_column"));
  expect(JSON.parse(line ?? "{}")).toMatchObject({ level: "error", route: "/v1/faults/:fault", method: "GET" });
});

test.each(["refused", "full"])("a database that cannot be asked (%s) is a 503 to be tried again", async (fault) => {
  const read = await server.inject(`/v1/faults/${fault}`);
  expect(read.statusCode).toBe(503);
  expect(read.headers["retry-after"]).toBe("1");
  expect(read.json().error).toMatchObject({ code: "api.unavailable", retryable: true, outcome: "none" });
  const write = await server.inject({ method: "POST", url: `/v1/faults/${fault}` });
  expect(write.json().error).toMatchObject({ code: "api.unavailable", retryable: true, outcome: "unknown" });
  expect(write.body).not.toMatch(/10\.0\.0\.1|waiting/);
});

test("every answer has the whole error, an id of its own and the security headers", async () => {
  const answers = await Promise.all(
    ["/v1/faults/bug", "/nowhere", "/v1/echo", "/page"].map((url) => server.inject(url)),
  );
  for (const { headers } of answers) {
    expect(headers["request-id"]).toMatch(/^req_[0-9A-Za-z]{22}$/);
    expect(headers["x-content-type-options"]).toBe("nosniff");
    expect(headers["cache-control"]).toBe("no-store");
    expect(headers["referrer-policy"]).toBe("no-referrer");
    expect(headers["strict-transport-security"]).toMatch(/max-age=\d+/);
    expect(headers["content-security-policy"]).toMatch(/^default-src 'none'/);
    expect(headers["content-security-policy"]).toMatch(/frame-ancestors 'none'/);
  }
  expect(new Set(answers.map(({ headers }) => headers["request-id"])).size).toBe(answers.length);
  const { error } = answers[1]!.json();
  expect(Object.keys(error)).toEqual([
    "type",
    "code",
    "message",
    "param",
    "doc_url",
    "request_id",
    "retryable",
    "outcome",
  ]);
  expect(error.doc_url).toBe("https://pay.example/docs/errors/request.route_not_found");
  expect(error.request_id).toBe(answers[1]!.headers["request-id"]);
});

test("a caller cannot choose the request id", async () => {
  const answer = await server.inject({
    url: "/nowhere",
    headers: { "request-id": "req_mine", "x-request-id": "req_mine" },
  });
  expect(answer.headers["request-id"]).not.toBe("req_mine");
});

test("a page runs no inline script and is sent where it says", async () => {
  const policy = String((await server.inject("/page")).headers["content-security-policy"]);
  expect(policy).toContain("script-src 'self';");
  expect(policy).toContain("form-action 'self' https://channel.example;");
  expect(policy).not.toContain("unsafe");
});

test("an unknown address is 404, a known one asked wrongly is 405 with what it answers", async () => {
  for (const url of ["/nowhere", "/v1", "/v1/faults", "/v1/echo/", "/v1/faults/a/b", "/V1/echo"]) {
    const answer = await server.inject({
      method: "POST",
      url,
      payload: "{",
      headers: { "content-type": "application/json" },
    });
    expect([url, answer.statusCode, answer.json().error.code]).toEqual([url, 404, "request.route_not_found"]);
  }
  const answer = await server.inject({ method: "DELETE", url: "/v1/echo?x=1" });
  expect([answer.statusCode, answer.json().error.code]).toEqual([405, "request.method_not_allowed"]);
  expect(answer.headers.allow).toBe("POST");
  expect((await server.inject({ method: "PUT", url: "/v1/faults/bug" })).headers.allow).toBe("GET, HEAD, POST");
});

test("addresses that cannot be read are refused", async () => {
  expect((await server.inject("/v1/faults/%zz")).json().error.code).toBe("request.malformed");
  const long = await server.inject(`/v1/faults/${"a".repeat(200)}`);
  expect([long.statusCode, long.json().error.code]).toEqual([414, "request.uri_too_long"]);
  expect(long.headers["x-content-type-options"]).toBe("nosniff");
});

test("headers over the limit are refused with 431", async () => {
  const answer = await sendRaw(`GET /page HTTP/1.1\r\nhost: x\r\ncookie: ${"a".repeat(20_000)}\r\n\r\n`);
  expect([answer.status, answer.error.code]).toEqual([431, "request.headers_too_large"]);
  expect(answer.head).toContain("x-content-type-options: nosniff");
  expect(answer.head).toContain(answer.error.request_id.toLowerCase());
});

test.each([
  ["no HTTP", "hello\r\n\r\n"],
  ["two lengths", "POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"],
  [
    "a length and chunks",
    "POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
  ],
  ["a broken header", "GET /page HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n"],
])("a request with %s is refused with 400", async (_name, bytes) => {
  const answer = await sendRaw(bytes);
  expect([answer.status, answer.error.code]).toEqual([400, "request.malformed"]);
});

test("a request whose headers or body never end is ended with 408", async () => {
  const head = "POST /v1/echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
  for (const bytes of [head, `${head}content-length: 100\r\n\r\n{"a":`]) {
    const answer = await sendRaw(bytes);
    expect([answer.status, answer.error.code]).toEqual([408, "request.timeout"]);
  }
});

test("request ids sort by time and never repeat", () => {
  const clock = createManualClock(1_700_000_000_000);
  const next = createRequestIds(clock, createSeededRandom(7));
  const ids = Array.from({ length: 5_000 }, (_, i) => {
    if (i % 100 === 0) clock.advance(1);
    return next();
  });
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.toSorted()).toEqual(ids);
});

test("a line logged anywhere while a request is worked on carries its id, also after its body was awaited", async () => {
  const asked = Array.from({ length: 5 }, () =>
    fetch(`http://127.0.0.1:${port}/v1/talk`, {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json" },
    }),
  );
  const ids = (await Promise.all(asked)).map((answer) => answer.headers.get("request-id"));
  const told = logged.filter((line) => line.includes("deep inside")).map((line) => JSON.parse(line).request_id);
  expect(told.toSorted()).toEqual(ids.toSorted());
});
