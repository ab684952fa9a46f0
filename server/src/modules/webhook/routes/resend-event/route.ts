import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { webhookErrors } from "../../errors.ts";
import { resendEvent, sendTestEvent } from "../../resend-event.ts";
import type { WebhookServices } from "../../service.ts";
import { EventSchema, IdParams, markReplay, readIdempotency, requireId } from "../schemas.ts";

/** Without a body the event goes to all that would receive it. */
const ResendBody = Type.Unsafe<{ webhook_endpoint?: string } | null>({
  anyOf: [
    Type.Object({
      webhook_endpoint: Type.Optional(Type.String({ maxLength: 64, description: "Only to this endpoint." })),
    }),
    { type: "null" },
  ],
});

const endpointId = (text: string) => requireId("webhook_endpoint", text, webhookErrors["webhook_endpoint.not_found"]);

/** `POST /v1/events/:id/resend` and `POST /v1/webhook_endpoints/:id/test`. */
export function registerResendEvent(api: ApiServer, services: WebhookServices): void {
  api.post(
    "/v1/events/:id/resend",
    {
      schema: {
        tags: ["Events"],
        summary: "Deliver an event once more",
        description:
          "Sends the event again to all that would receive it, or to one endpoint only, with the same `webhook-id`, by which a receiver recognises what it has had.",
        params: IdParams,
        body: ResendBody,
        response: { 200: EventSchema },
      },
    },
    async (request, reply) => {
      const id = requireId("event", request.params.id, webhookErrors["event.not_found"]);
      const only = request.body?.webhook_endpoint;
      const endpoint_id = only === undefined ? null : endpointId(only);
      const sent = await resendEvent(services, request.caller, id, endpoint_id, readIdempotency(request));
      markReplay(reply, sent.replayed);
      return sent.view;
    },
  );
  api.post(
    "/v1/webhook_endpoints/:id/test",
    {
      schema: {
        tags: ["Webhooks"],
        summary: "Send a webhook endpoint a test event",
        params: IdParams,
        response: { 200: EventSchema },
      },
    },
    async (request, reply) => {
      const id = endpointId(request.params.id);
      const sent = await sendTestEvent(services, request.caller, id, readIdempotency(request));
      markReplay(reply, sent.replayed);
      return sent.view;
    },
  );
}
