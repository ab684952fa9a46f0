import { type Static, Type } from "typebox";
import { toRfc3339 } from "../../../../kit/clock.ts";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { publicId } from "../../../../kit/id.ts";
import { ApprovalObject, loadApproval, presentApprovals } from "../../../approval/index.ts";
import { makeOnce } from "../../../operator/index.ts";
import {
  askEarlyRelease,
  listReserves,
  loadReserveSettings,
  presentReserve,
  ReserveObject,
  type ReserveSettings,
  ReserveStatusSchema,
  reserveErrors,
  setReserve,
} from "../../../reserve/index.ts";
import { Currency, IdParams, Livemode, LivemodeQuery, Reason, requireId, requireMerchant } from "../../of-merchant.ts";
import type { AdministrationServices } from "../../services.ts";

const PATH = "/operator/v1/merchants/:id/reserves";
const SETTINGS = "/operator/v1/merchants/:id/reserve_settings";
const tags = ["Operator: settlements"];

const figures = {
  rolling_rate_ppm: Type.Integer({ minimum: 0, maximum: 1_000_000, description: "Of each settlement." }),
  rolling_days: Type.Integer({ minimum: 0, maximum: 3_650, description: "For how long." }),
  fixed_amount: Type.Integer({ minimum: 0, description: "A sum that settlements fill, in minor units." }),
  covers_refunds: Type.Boolean({ description: "Whether refunds may draw on it at last." }),
};

const SettingsObject = Type.Object({
  object: Type.Literal("reserve_settings"),
  merchant: Type.String(),
  livemode: Type.Boolean(),
  currency: Type.String(),
  effective_from: Type.String({ format: "date-time" }),
  ...figures,
});

const SettingsBody = Type.Object({
  livemode: Livemode,
  currency: Currency,
  effective_from: Type.Optional(Type.String({ format: "date-time", description: "Now unless given, never earlier." })),
  ...Type.Partial(Type.Object(figures)).properties,
});

/** What is held back of a merchant's settlements, and asking to release a part of it early. */
export function registerReserves(operator: ApiServer, services: AdministrationServices): void {
  registerListReserves(operator, services);
  registerSettings(operator, services);
  registerRelease(operator, services);
}

function registerListReserves(operator: ApiServer, { db }: AdministrationServices): void {
  const querystring = Type.Object({
    ...pageProperties,
    livemode: LivemodeQuery,
    currency: Type.Optional(Currency),
    status: Type.Optional(ReserveStatusSchema),
  });
  operator.get(
    PATH,
    {
      schema: {
        operationId: "listMerchantReserves",
        tags,
        summary: "List what is held back of a merchant's settlements",
        params: IdParams,
        querystring,
        response: { 200: ListOf(ReserveObject) },
      },
    },
    async ({ params, query }) => {
      const { id: merchant_id } = await requireMerchant(db, params.id);
      const page = readPage(query, "reserve");
      const { livemode = true, currency = null, status = null } = query;
      const found = await listReserves(db, { merchant_id, livemode, currency, kind: null, status, page });
      const { rows, has_more } = cutPage(page, found);
      return toList(rows.map(presentReserve), has_more, PATH.replace(":id", params.id));
    },
  );
}

function registerSettings(operator: ApiServer, services: AdministrationServices): void {
  const { db } = services;
  operator.get(
    SETTINGS,
    {
      schema: {
        operationId: "listReserveSettings",
        tags,
        summary: "List what is held back of a merchant's settlements, and from when on",
        description: "All that was ever set, those that begin last first.",
        params: IdParams,
        response: { 200: Type.Object({ object: Type.Literal("list"), data: Type.Array(SettingsObject) }) },
      },
    },
    async ({ params }) => {
      const { id } = await requireMerchant(db, params.id);
      return { object: "list" as const, data: (await loadReserveSettings(db, id)).map(presentSettings) };
    },
  );
  operator.post(
    SETTINGS,
    {
      schema: {
        operationId: "setReserveSettings",
        tags,
        summary: "Set what is held back of a merchant's settlements",
        description:
          "All of it, from now or a coming instant on; what is left out is nothing. What is held stays held.",
        params: IdParams,
        body: SettingsBody,
        response: { 200: SettingsObject },
      },
    },
    async ({ params, body }) => {
      const { id: merchant_id } = await requireMerchant(db, params.id);
      return presentSettings(await setReserve(services, { ...toInput(body), merchant_id }));
    },
  );
}

function presentSettings(settings: ReserveSettings) {
  const { merchant_id, livemode, currency, effective_from, rolling_days, covers_refunds } = settings;
  return {
    object: "reserve_settings" as const,
    merchant: publicId("merchant", merchant_id),
    ...{ livemode, currency, effective_from: toRfc3339(effective_from), rolling_days, covers_refunds },
    rolling_rate_ppm: Number(settings.rolling_rate_ppm),
    fixed_amount: Number(settings.fixed_amount),
  };
}

function toInput({ rolling_rate_ppm = 0, fixed_amount = 0, effective_from, ...rest }: Static<typeof SettingsBody>) {
  return {
    ...rest,
    ...{ rolling_rate_ppm: BigInt(rolling_rate_ppm), fixed_amount: BigInt(fixed_amount) },
    ...(effective_from !== undefined && { effective_from: Date.parse(effective_from) }),
  };
}

function registerRelease(operator: ApiServer, services: AdministrationServices): void {
  const { db, approval, reserve: own } = services;
  operator.post(
    `${PATH}/:reserve/release`,
    {
      schema: {
        operationId: "requestReserveRelease",
        tags,
        summary: "Ask to release a reserve early",
        description: "Another operator decides on it, among the approvals.",
        params: Type.Object({ ...IdParams.properties, reserve: Type.String({ maxLength: 64 }) }),
        body: Type.Object({
          amount: Type.Optional(Type.Integer({ minimum: 1, description: "All that is held unless given." })),
          reason: Reason,
        }),
        response: { 200: ApprovalObject, 201: ApprovalObject },
      },
    },
    async (request, reply) => {
      const { params, body, operator: user } = request;
      const { id: merchant_id } = await requireMerchant(db, params.id);
      const reserve_id = requireId("reserve", params.reserve, reserveErrors["reserve.not_found"]);
      const amount = body.amount === undefined ? undefined : BigInt(body.amount);
      const wanted = { merchant_id, reserve_id, amount, reason: body.reason, maker_id: user.user_id };
      const result = await makeOnce(services, { request, reply, object_type: "approval" }, (tx) =>
        askEarlyRelease(tx, own, wanted),
      );
      const isMade = "made" in result;
      const asked = isMade ? result.made : await loadApproval(db, result.replayed);
      return reply.code(isMade ? 201 : 200).send((await presentApprovals(approval, [asked!]))[0]!);
    },
  );
}
