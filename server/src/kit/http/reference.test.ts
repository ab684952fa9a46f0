/**
 * Guarantees: the reference shows every published operation with its fields, from the schemas that requests are checked
 * against; it runs no script; text from a schema cannot become markup.
 */
import { Type } from "typebox";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../clock.ts";
import { createLogger } from "../log.ts";
import { systemRandom } from "../random.ts";
import type { ApiServer } from "./api.ts";
import { renderMarkdown } from "./error-page.ts";
import { registerReferencePages } from "./reference.ts";
import { type JsonSchema, listFields } from "./schema-rows.ts";
import { createHttpServer } from "./server.ts";

let server: ApiServer;

const Body = Type.Object({
  amount: Type.Integer({ minimum: 1, description: "Minor units, <b>not</b> yuan; see `currency`." }),
  payer: Type.Optional(Type.Object({ openid: Type.String() })),
});

beforeAll(async () => {
  const log = createLogger("silent");
  server = await createHttpServer({ log, clock: systemClock, random: systemRandom, base_url: "https://pay.example" });
  const schema = { operationId: "createThing", tags: ["Payments"], summary: "Create a thing", body: Body };
  server.post("/v1/things", { schema }, (request) => request.body);
  server.get("/v1/things/:id", { schema: { params: Type.Object({ id: Type.String() }) } }, () => ({}));
  server.get("/hidden", () => ({}));
  registerReferencePages(server);
});

afterAll(() => server.close());

test("the OpenAPI document has the published operations, with closed bodies, the error and the idempotency key", async () => {
  const { paths, security } = (await server.inject("/openapi.json")).json();
  expect(Object.keys(paths)).toEqual(["/v1/things", "/v1/things/{id}"]);
  const { post } = paths["/v1/things"];
  const body = post.requestBody.content["application/json"].schema;
  expect([body.additionalProperties, body.properties.payer.additionalProperties]).toEqual([false, false]);
  expect(post.responses.default.content["application/json"].schema).toEqual({ $ref: "#/components/schemas/Error" });
  expect(post.parameters.map((parameter: { name: string }) => parameter.name)).toEqual(["Idempotency-Key"]);
  expect(paths["/v1/things/{id}"].get.parameters).toMatchObject([{ name: "id", in: "path", required: true }]);
  expect(security).toEqual([{ api_key: [] }]);
});

test("the page shows each operation and its fields, in a page without script", async () => {
  const page = await server.inject("/docs");
  expect(page.headers["content-security-policy"]).toContain("default-src 'none'");
  expect(page.body).toContain('<article id="createThing">');
  expect(page.body).toContain("<code>payer.openid</code>");
  expect(page.body).toContain("/v1/things/{id}");
  expect(page.body).toContain("curl -X POST https://pay.example/v1/things");
  expect(page.body).toContain("Minor units, &lt;b&gt;not&lt;/b&gt; yuan; see <code>currency</code>.");
  expect(page.body).not.toMatch(/<script|style=|onclick/);
  const style = await server.inject("/docs/reference.css");
  expect([style.statusCode, style.headers["content-type"]]).toEqual([200, "text/css; charset=utf-8"]);
});

test("fields are listed with their type, limits and whether they are needed", () => {
  const schema = Type.Object({
    kind: Type.Union([Type.Literal("a"), Type.Literal("b")]),
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 9, default: 3 })),
    list: Type.Array(Type.Object({ id: Type.String({ maxLength: 5 }) })),
    action: Type.Union([
      Type.Object({ type: Type.Literal("qr"), code: Type.String() }),
      Type.Object({ type: Type.Literal("none") }),
      Type.Null(),
    ]),
  });
  const rows = listFields(JSON.parse(JSON.stringify(schema)) as JsonSchema);
  expect(rows.map(({ name, type, required, limits }) => [name, type, required, limits.join()])).toEqual([
    ["kind", "a, b", true, ""],
    ["count", "integer", false, "≥ 1,≤ 9,default 3"],
    ["list", "list of object", true, ""],
    ["list[].id", "string", true, "0–5 characters"],
    ["action", "object, null", true, ""],
    ["action.type", "qr, none", false, ""],
    ["action.code", "string", false, ""],
  ]);
});

test("Markdown becomes the markup it means, and nothing else gets through", () => {
  const html = renderMarkdown(
    "# A <title> 原因\n\n> quote\n\n- one `code`\n- **two**\n\n| a | b |\n|---|---|\n| c | `d` |\n\n中文",
  );
  expect(html.split("\n")).toEqual([
    '<h1>A &lt;title&gt; <span lang="zh-CN">原因</span></h1>',
    "<blockquote>quote</blockquote>",
    "<ul><li>one <code>code</code></li><li><strong>two</strong></li></ul>",
    '<table><tbody><tr><th scope="row">c</th><td><code>d</code></td></tr></tbody></table>',
    '<p lang="zh-CN">中文</p>',
  ]);
});
