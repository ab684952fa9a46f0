import { Type } from "typebox";
import { toRfc3339 } from "../../../../kit/clock.ts";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { publicId } from "../../../../kit/id.ts";
import {
  createMerchant,
  getMerchant,
  type Merchant,
  type MerchantStatus,
  merchantStatuses,
  pageMerchants,
  setMerchantStatus,
} from "../../../merchant/index.ts";
import { makeOnce } from "../../../operator/index.ts";
import { IdParams, Reason, requireMerchant } from "../../of-merchant.ts";
import type { AdministrationServices } from "../../services.ts";

const PATH = "/operator/v1/merchants";
const tags = ["Operator: merchants"];
const Status = Type.Unsafe<MerchantStatus>({ type: "string", enum: [...merchantStatuses] });

const MerchantObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("merchant"),
  name: Type.String(),
  status: Status,
  time_zone: Type.String({ description: "The merchant's business day ends at its midnight." }),
  created_at: Type.String({ format: "date-time" }),
});

const CreateBody = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 100 }),
  time_zone: Type.Optional(Type.String({ maxLength: 64, description: "IANA name; Asia/Shanghai unless given." })),
});

function presentMerchant({ id, name, status, time_zone, created_at }: Merchant) {
  const head = { id: publicId("merchant", id), object: "merchant" as const };
  return { ...head, name, status, time_zone, created_at: toRfc3339(created_at) };
}

/** `/operator/v1/merchants`: list, create, read, and let them call or not. */
export function registerMerchants(operator: ApiServer, services: AdministrationServices): void {
  registerListMerchants(operator, services);
  registerCreateMerchant(operator, services);
  const { db } = services;
  operator.get(
    `${PATH}/:id`,
    {
      schema: {
        operationId: "readMerchant",
        tags,
        summary: "Read a merchant",
        params: IdParams,
        response: { 200: MerchantObject },
      },
    },
    async ({ params }) => presentMerchant(await requireMerchant(db, params.id)),
  );
  operator.post(
    `${PATH}/:id/status`,
    {
      schema: {
        operationId: "setMerchantStatus",
        tags,
        summary: "Let a merchant call, or not",
        description:
          "Keys of a suspended or closed merchant stop in every process as soon as this answers; what is under way goes on.",
        params: IdParams,
        body: Type.Object({ status: Status, reason: Reason }),
        response: { 200: MerchantObject },
      },
    },
    async ({ params, body }) => {
      const { id } = await requireMerchant(db, params.id);
      return presentMerchant(await setMerchantStatus(db, id, body.status));
    },
  );
}

function registerListMerchants(operator: ApiServer, { db }: AdministrationServices): void {
  operator.get(
    PATH,
    {
      schema: {
        operationId: "listMerchants",
        tags,
        summary: "List merchants",
        querystring: Type.Object({
          ...pageProperties,
          status: Type.Optional(Status),
          name: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: "A part of the name." })),
        }),
        response: { 200: ListOf(MerchantObject) },
      },
    },
    async ({ query }) => {
      const page = readPage(query, "merchant");
      const { status = null, name = null } = query;
      const { rows, has_more } = cutPage(page, await pageMerchants(db, { status, name }, page));
      return toList(rows.map(presentMerchant), has_more, PATH);
    },
  );
}

function registerCreateMerchant(operator: ApiServer, services: AdministrationServices): void {
  operator.post(
    PATH,
    {
      schema: {
        operationId: "createMerchant",
        tags,
        summary: "Create a merchant",
        body: CreateBody,
        response: { 200: MerchantObject, 201: MerchantObject },
      },
    },
    async (request, reply) => {
      const result = await makeOnce(services, { request, reply, object_type: "merchant" }, (tx) =>
        createMerchant({ ...services, sql: tx }, request.body),
      );
      const isMade = "made" in result;
      const merchant = isMade ? result.made : await getMerchant(services.db, result.replayed);
      return reply.code(isMade ? 201 : 200).send(presentMerchant(merchant));
    },
  );
}
