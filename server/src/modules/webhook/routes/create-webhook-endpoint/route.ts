import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { createWebhookEndpoint } from "../../create-webhook-endpoint.ts";
import type { WebhookServices } from "../../service.ts";
import {
  DescriptionSchema,
  EndpointSchema,
  EventTypesSchema,
  markReplay,
  readIdempotency,
  UrlSchema,
} from "../schemas.ts";

/** `POST /v1/webhook_endpoints`. */
export function registerCreateWebhookEndpoint(api: ApiServer, services: WebhookServices): void {
  api.post(
    "/v1/webhook_endpoints",
    {
      schema: {
        tags: ["Webhooks"],
        summary: "Create a webhook endpoint",
        body: Type.Object({
          url: UrlSchema,
          event_types: Type.Optional(EventTypesSchema),
          description: Type.Optional(DescriptionSchema),
        }),
        response: { 201: EndpointSchema },
      },
    },
    async (request, reply) => {
      const made = await createWebhookEndpoint(services, request.caller, request.body, readIdempotency(request));
      markReplay(reply, made.replayed);
      return reply.code(201).send(made.view);
    },
  );
}
