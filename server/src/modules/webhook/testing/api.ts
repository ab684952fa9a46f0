/** The module's routes on the real door, with the caller chosen by the test instead of by a key. */
import type { LightMyRequestResponse } from "fastify";
import { createHttpServer } from "../../../kit/http/server.ts";
import { createLogger } from "../../../kit/log.ts";
import { registerWebhookRoutes } from "../routes/index.ts";
import type { Scope, WebhookServices } from "../service.ts";

export interface TestApi {
  call(
    scope: Scope,
    request: `${"GET" | "POST" | "PATCH" | "DELETE"} ${string}`,
    body?: object,
    idempotency_key?: string,
  ): Promise<LightMyRequestResponse>;
  close(): Promise<void>;
}

export async function openApi(services: WebhookServices): Promise<TestApi> {
  const { clock, random } = services;
  const server = await createHttpServer({
    log: createLogger("silent"),
    clock,
    random,
    base_url: "http://test.example",
  });
  const callers = new Map<string, Scope>();
  server.addHook("onRequest", (request, _reply, done) => {
    request.caller = { ...callers.get(String(request.headers["x-caller"]))!, key_id: "key" };
    done();
  });
  registerWebhookRoutes(server, services);
  return {
    call(scope, request, body, idempotency_key) {
      const [method, url] = request.split(" ") as ["GET", string];
      const caller = JSON.stringify(scope);
      callers.set(caller, scope);
      const headers = { "x-caller": caller, ...(idempotency_key && { "idempotency-key": idempotency_key }) };
      return server.inject({ method, url, headers, ...(body && { payload: body }) });
    },
    close: () => server.close(),
  };
}
