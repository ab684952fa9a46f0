import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { webhookErrors } from "../../errors.ts";
import { rotateWebhookSecret } from "../../rotate-webhook-secret.ts";
import type { WebhookServices } from "../../service.ts";
import { EndpointSchema, IdParams, markReplay, readIdempotency, requireId } from "../schemas.ts";

const DAY_S = 86_400;

/** Without a body the overlap is a day. */
const RotationBody = Type.Unsafe<{ overlap_seconds?: number } | null>({
  anyOf: [
    Type.Object({
      overlap_seconds: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: 7 * DAY_S,
          description: "How long the old secret signs too; a day unless given, 0 stops it at once.",
        }),
      ),
    }),
    { type: "null" },
  ],
});

/** `POST /v1/webhook_endpoints/:id/rotate_secret`. */
export function registerRotateWebhookSecret(api: ApiServer, services: WebhookServices): void {
  api.post(
    "/v1/webhook_endpoints/:id/rotate_secret",
    {
      schema: {
        tags: ["Webhooks"],
        summary: "Give a webhook endpoint a new secret",
        params: IdParams,
        body: RotationBody,
        response: { 200: EndpointSchema },
      },
    },
    async (request, reply) => {
      const id = requireId("webhook_endpoint", request.params.id, webhookErrors["webhook_endpoint.not_found"]);
      const overlap_s = request.body?.overlap_seconds ?? DAY_S;
      const made = await rotateWebhookSecret(services, request.caller, id, overlap_s, readIdempotency(request));
      markReplay(reply, made.replayed);
      return made.view;
    },
  );
}
