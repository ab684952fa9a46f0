import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { doorErrors } from "../../../../kit/http/errors.ts";
import { ListOf, PageQuery, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { decodeUuid } from "../../../../kit/id.ts";
import { webhookErrors } from "../../errors.ts";
import { presentEvent } from "../../event.ts";
import { listEventDeliveries, listEvents, requireEvent } from "../../read-events.ts";
import type { WebhookServices } from "../../service.ts";
import { DeliverySchema, EventSchema, EventTypeSchema, IdParams, requireId } from "../schemas.ts";

const PATH = "/v1/events";
const tags = ["Events"];

const InstantSchema = (description: string) => Type.Optional(Type.String({ maxLength: 40, description }));

const EventsQuery = Type.Object({
  ...pageProperties,
  type: Type.Optional(EventTypeSchema),
  object: Type.Optional(Type.String({ maxLength: 64, description: "The id of the object, such as pay_… or rf_…." })),
  created_from: InstantSchema("RFC 3339; events from this instant on."),
  created_to: InstantSchema("RFC 3339; events before this instant."),
});

/** `GET` of `/v1/events`, of one event and of its deliveries. */
export function registerReadEvents(api: ApiServer, services: WebhookServices): void {
  api.get(
    PATH,
    { schema: { tags, summary: "List events", querystring: EventsQuery, response: { 200: ListOf(EventSchema) } } },
    async (request) => {
      const { type, object, created_from, created_to } = request.query;
      const object_id = object === undefined ? null : readObjectId(object);
      if (object_id === undefined) return toList([], false, PATH);
      const filter = {
        type: type ?? null,
        object_id,
        created_from: readInstant("created_from", created_from),
        created_to: readInstant("created_to", created_to),
      };
      const page = readPage(request.query, "event");
      const { views, has_more } = await listEvents(services, request.caller, filter, page);
      return toList(views, has_more, PATH);
    },
  );
  api.get(
    `${PATH}/:id`,
    { schema: { tags, summary: "Read an event", params: IdParams, response: { 200: EventSchema } } },
    async (request) => presentEvent(await requireEvent(services, request.caller, eventId(request.params.id))),
  );
  api.get(
    `${PATH}/:id/deliveries`,
    {
      schema: {
        tags,
        summary: "List the deliveries of an event",
        params: IdParams,
        querystring: PageQuery,
        response: { 200: ListOf(DeliverySchema) },
      },
    },
    async (request) => {
      const page = readPage(request.query, "webhook_delivery");
      const id = eventId(request.params.id);
      const { views, has_more } = await listEventDeliveries(services, request.caller, id, page);
      return toList(views, has_more, `${PATH}/${request.params.id}/deliveries`);
    },
  );
}

function eventId(text: string): string {
  return requireId("event", text, webhookErrors["event.not_found"]);
}

/** The UUID of a public id of any kind, or undefined: no event can be about what is no id. */
function readObjectId(text: string): string | undefined {
  return decodeUuid(text.slice(text.indexOf("_") + 1));
}

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

function readInstant(param: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const at = RFC3339.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  const problem = `${param} must be an instant in RFC 3339, such as 2026-11-20T12:00:00Z.`;
  throw doorErrors["request.invalid"]({ param, values: { problem } });
}
