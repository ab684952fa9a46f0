import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { createGroup, findGroup, retireGroup } from "../../groups.ts";
import { presentGroup } from "../../present.ts";
import { listGroups } from "../../receiver-store.ts";
import type { SharingServices } from "../../services.ts";
import { CreateGroupBody, GroupObject, IdParams } from "../schemas.ts";

const tags = ["Receivers"];
const Query = Type.Object(pageProperties);

/** `/v1/receiver_groups`: several receivers with what each gets. */
export function registerReceiverGroups(api: ApiServer, services: SharingServices): void {
  api.post(
    "/v1/receiver_groups",
    {
      schema: {
        ...{ operationId: "createReceiverGroup", tags, summary: "Create a group of receivers" },
        description:
          "A group never changes: payments that were created with it keep what it meant. To change it, disable it and make another of the same name.",
        body: CreateGroupBody,
        response: { 201: GroupObject },
      },
    },
    async (request, reply) => {
      const { name, members = [] } = request.body;
      const group = await createGroup(services, request.caller, { name, members });
      return reply.code(201).send(presentGroup(group));
    },
  );
  api.get(
    "/v1/receiver_groups",
    {
      schema: {
        ...{ operationId: "listReceiverGroups", tags, summary: "List groups of receivers", querystring: Query },
        response: { 200: ListOf(GroupObject) },
      },
    },
    async ({ caller, query }) => {
      const page = readPage(query, "receiver_group");
      const { rows, has_more } = cutPage(page, await listGroups(services.db, caller, page));
      return toList(rows.map(presentGroup), has_more, "/v1/receiver_groups");
    },
  );
  api.get(
    "/v1/receiver_groups/:id",
    {
      schema: {
        ...{ operationId: "readReceiverGroup", tags, summary: "Read a group of receivers", params: IdParams },
        response: { 200: GroupObject },
      },
    },
    async ({ caller, params }) => presentGroup(await findGroup(services.db, caller, params.id)),
  );
  api.post(
    "/v1/receiver_groups/:id/disable",
    {
      schema: {
        ...{ operationId: "disableReceiverGroup", tags, summary: "Disable a group of receivers", params: IdParams },
        response: { 200: GroupObject },
      },
    },
    async ({ caller, params }) => presentGroup(await retireGroup(services.db, caller, params.id)),
  );
}
