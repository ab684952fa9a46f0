import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { ListOf, PageQuery, readPage, toList } from "../../../../kit/http/pagination.ts";
import { webhookErrors } from "../../errors.ts";
import {
  deleteWebhookEndpoint,
  getWebhookEndpoint,
  listWebhookEndpoints,
  updateWebhookEndpoint,
} from "../../manage-webhook-endpoints.ts";
import type { WebhookServices } from "../../service.ts";
import {
  DescriptionSchema,
  EndpointSchema,
  EventTypesSchema,
  IdParams,
  requireId,
  StatusSchema,
  UrlSchema,
} from "../schemas.ts";

const PATH = "/v1/webhook_endpoints";

const endpointId = (text: string) => requireId("webhook_endpoint", text, webhookErrors["webhook_endpoint.not_found"]);

/** `GET`, `PATCH` and `DELETE` of `/v1/webhook_endpoints`. */
export function registerManageWebhookEndpoints(api: ApiServer, services: WebhookServices): void {
  registerReads(api, services);
  registerWrites(api, services);
}

function registerReads(api: ApiServer, services: WebhookServices): void {
  const tags = ["Webhooks"];
  api.get(
    PATH,
    {
      schema: {
        tags,
        summary: "List webhook endpoints",
        querystring: PageQuery,
        response: { 200: ListOf(EndpointSchema) },
      },
    },
    async (request) => {
      const page = readPage(request.query, "webhook_endpoint");
      const { views, has_more } = await listWebhookEndpoints(services, request.caller, page);
      return toList(views, has_more, PATH);
    },
  );
  api.get(
    `${PATH}/:id`,
    { schema: { tags, summary: "Read a webhook endpoint", params: IdParams, response: { 200: EndpointSchema } } },
    (request) => getWebhookEndpoint(services, request.caller, endpointId(request.params.id)),
  );
}

function registerWrites(api: ApiServer, services: WebhookServices): void {
  const tags = ["Webhooks"];
  api.patch(
    `${PATH}/:id`,
    {
      schema: {
        tags,
        summary: "Change, disable or enable a webhook endpoint",
        params: IdParams,
        body: Type.Object({
          url: Type.Optional(UrlSchema),
          event_types: Type.Optional(EventTypesSchema),
          description: Type.Optional(DescriptionSchema),
          status: Type.Optional(StatusSchema),
        }),
        response: { 200: EndpointSchema },
      },
    },
    (request) => updateWebhookEndpoint(services, request.caller, endpointId(request.params.id), request.body),
  );
  api.delete(
    `${PATH}/:id`,
    {
      schema: {
        tags,
        summary: "Delete a webhook endpoint",
        params: IdParams,
        response: {
          200: Type.Object({
            id: Type.String(),
            object: Type.Literal("webhook_endpoint"),
            deleted: Type.Literal(true),
          }),
        },
      },
    },
    async (request) => {
      await deleteWebhookEndpoint(services, request.caller, endpointId(request.params.id));
      return { id: request.params.id, object: "webhook_endpoint" as const, deleted: true as const };
    },
  );
}
