import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { createReceiver, disableReceiver, findReceiver } from "../../create-receiver.ts";
import { presentReceiver } from "../../present.ts";
import type { ReceiverKind } from "../../receiver.ts";
import { listReceivers, loadBindingsOf } from "../../receiver-store.ts";
import type { SharingServices } from "../../services.ts";
import { CreateReceiverBody, IdParams, ReceiverObject } from "../schemas.ts";

const tags = ["Receivers"];
const Query = Type.Object({
  ...pageProperties,
  status: Type.Optional(Type.Union(["active", "disabled"].map((status) => Type.Literal(status)))),
});

/** `/v1/receivers`: whom parts of payments go to, of the merchant's, whichever app. */
export function registerReceivers(api: ApiServer, services: SharingServices): void {
  api.post(
    "/v1/receivers",
    {
      schema: {
        ...{ operationId: "createReceiver", tags, summary: "Create a receiver" },
        description:
          "Another merchant of this platform, or whoever the channel names so. The same receiver again answers the one that is there (200).",
        body: CreateReceiverBody,
        response: { 200: ReceiverObject, 201: ReceiverObject },
      },
    },
    async (request, reply) => {
      const { kind, ...rest } = request.body;
      const made = await createReceiver(services, request.caller, { ...rest, kind: kind as ReceiverKind });
      return reply.code(made.created ? 201 : 200).send(presentReceiver(made.receiver));
    },
  );
  api.get(
    "/v1/receivers",
    {
      schema: {
        ...{ operationId: "listReceivers", tags, summary: "List receivers", querystring: Query },
        response: { 200: ListOf(ReceiverObject) },
      },
    },
    async ({ caller, query }) => {
      const page = readPage(query, "receiver");
      const found = await listReceivers(services.db, caller, query.status ?? null, page);
      const { rows, has_more } = cutPage(page, found);
      const receivers = rows.map((receiver) => presentReceiver(receiver));
      return toList(receivers, has_more, "/v1/receivers");
    },
  );
  api.get(
    "/v1/receivers/:id",
    {
      schema: {
        ...{ operationId: "readReceiver", tags, summary: "Read a receiver", params: IdParams },
        response: { 200: ReceiverObject },
      },
    },
    async ({ caller, params }) => {
      const receiver = await findReceiver(services.db, caller, params.id);
      return presentReceiver(receiver, await loadBindingsOf(services.db, receiver));
    },
  );
  api.post(
    "/v1/receivers/:id/disable",
    {
      schema: {
        ...{ operationId: "disableReceiver", tags, summary: "Disable a receiver", params: IdParams },
        description: "Nothing more is shared with it, and channel accounts are told to forget it.",
        response: { 200: ReceiverObject },
      },
    },
    async ({ caller, params }) => {
      const receiver = await disableReceiver(services, caller, params.id);
      services.kick.sharings();
      return presentReceiver(receiver, await loadBindingsOf(services.db, receiver));
    },
  );
}
