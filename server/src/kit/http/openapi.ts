/** The OpenAPI 3.1 document, made from the schemas of the routes. */
import { fastifySwagger } from "@fastify/swagger";
import { Type } from "typebox";
import { errorCatalogue } from "../error.ts";
import type { ApiServer } from "./api.ts";

/** The body of every error, as published. */
function errorSchema() {
  const catalogue = errorCatalogue();
  const choice = (values: readonly string[]) => ({ type: "string", enum: [...new Set(values)] });
  return {
    ...Type.Object({
      error: Type.Object({
        type: Type.Unsafe<string>(choice(catalogue.map((entry) => entry.type))),
        code: Type.Unsafe<string>({
          ...choice(catalogue.map((entry) => entry.code)),
          description: "Stable. New codes may be added; doc_url leads to the page of each.",
        }),
        message: Type.String({ description: "A sentence that says what to do." }),
        param: Type.Union([Type.String(), Type.Null()], { description: "The field at fault, such as payer.openid." }),
        doc_url: Type.String(),
        request_id: Type.String(),
        retryable: Type.Boolean({ description: "Whether the same request may succeed later." }),
        outcome: Type.Unsafe<string>({
          ...choice(["none", "done", "unknown"]),
          description: "Whether the request had its effect: none, done, or unknown (ask for the object's state).",
        }),
      }),
    }),
    description: "Every error of the API.",
  };
}

/** Published for every POST; `kit/http/idempotency.ts` checks it, so that no header is validated on other requests. */
const IdempotencyHeader = Type.Object({
  "Idempotency-Key": Type.Optional(
    Type.String({
      pattern: "^[!-~]{1,255}$",
      description: "Makes the request safe to repeat for 30 days. A UUID is a good choice.",
    }),
  ),
});

/** Registers the generator; it must be there before the first route. Routes without a schema, or hidden, are left out. */
export async function registerOpenApi(server: ApiServer, base_url: string): Promise<void> {
  await server.register(fastifySwagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Tributary API",
        version: "1",
        description:
          "Collect through WeChat Pay, Alipay, UnionPay, Stripe, PayPal and bank transfers with one integration. Amounts are integers in minor units.",
      },
      servers: [{ url: base_url }],
      components: {
        securitySchemes: {
          api_key: { type: "http", scheme: "bearer" },
          operator_session: { type: "apiKey", in: "cookie", name: "tributary_session" },
          operator_token: { type: "http", scheme: "bearer", description: "The same token, for programs." },
          agent_session: { type: "apiKey", in: "cookie", name: "tributary_session" },
        },
      },
      security: [{ api_key: [] }],
    },
    hideUntagged: false,
    transform: ({ schema, url, route }) => {
      if (!schema) return { schema: { hide: true }, url };
      const response = { default: { $ref: "#/components/schemas/Error" }, ...(schema.response as object) };
      const headers = [route.method].flat().includes("POST") ? { headers: IdempotencyHeader } : {};
      return { schema: { ...schema, ...headers, response }, url };
    },
    transformObject: (document) => {
      if (!("openapiObject" in document)) return document.swaggerObject;
      const openapi = document.openapiObject;
      return {
        ...openapi,
        components: { ...openapi.components, schemas: { ...openapi.components?.schemas, Error: errorSchema() } },
      } as typeof openapi;
    },
  });
  let text: string | undefined;
  server.get("/openapi.json", { schema: { hide: true } }, (_request, reply) => {
    text ??= JSON.stringify(server.swagger());
    return reply.type("application/json; charset=utf-8").send(text);
  });
}
