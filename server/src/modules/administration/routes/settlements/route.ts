import { type Static, Type } from "typebox";
import { toRfc3339 } from "../../../../kit/clock.ts";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { publicId } from "../../../../kit/id.ts";
import { makeOnce } from "../../../operator/index.ts";
import {
  listSettlements,
  loadSettlement,
  loadSettlementSettings,
  type NewSettings,
  presentSettlement,
  SettlementObject,
  setSettlementSettings,
  settlementErrors,
  settleNow,
} from "../../../settlement/index.ts";
import { Currency, IdParams, Livemode, LivemodeQuery, requireMerchant } from "../../of-merchant.ts";
import type { AdministrationServices } from "../../services.ts";

const PATH = "/operator/v1/merchants/:id/settlements";
const SETTINGS = "/operator/v1/merchants/:id/settlement_settings";
const tags = ["Operator: settlements"];
const Nullable = (description: string) => Type.Union([Type.String(), Type.Null()], { description });

const SettingsObject = Type.Object({
  object: Type.Literal("settlement_settings"),
  merchant: Type.String(),
  livemode: Type.Boolean(),
  currency: Type.String(),
  cycle: Type.String(),
  calendar: Type.String(),
  run_at: Type.String({ description: "Time of day, by the merchant's clock." }),
  minimum_amount: Type.Integer(),
  review_above: Type.Union([Type.Integer(), Type.Null()]),
  next_day: Nullable("The day of the next run; null on request."),
  next_run_at: Nullable("When it is due."),
});

const SettingsBody = Type.Object({
  livemode: Livemode,
  currency: Currency,
  cycle: Type.String({ maxLength: 100, description: "T+1, D+3, weekly:1,4, monthly:15,31 or on_request." }),
  calendar: Type.Optional(Type.String({ maxLength: 32, description: "By cycle and currency unless given." })),
  run_at: Type.Optional(Type.String({ maxLength: 5, description: "02:00 unless given; 23:00 for T+0 and D+0." })),
  minimum_amount: Type.Optional(Type.Integer({ minimum: 0, description: "Less waits for the next run." })),
  review_above: Type.Optional(
    Type.Integer({ minimum: 0, description: "More waits for a review; never unless given." }),
  ),
});

function presentSettings(settings: NewSettings) {
  const { merchant_id, livemode, currency, cycle, calendar, run_minute, minimum_amount, review_above } = settings;
  const two = (number: number) => String(number).padStart(2, "0");
  return {
    object: "settlement_settings" as const,
    merchant: publicId("merchant", merchant_id),
    ...{ livemode, currency, cycle, calendar },
    run_at: `${two(Math.floor(run_minute / 60))}:${two(run_minute % 60)}`,
    minimum_amount: Number(minimum_amount),
    review_above: review_above === null ? null : Number(review_above),
    next_day: settings.next_day,
    next_run_at: settings.due_at === null ? null : toRfc3339(settings.due_at),
  };
}

/** When a merchant is settled, the batches, and settling now. */
export function registerSettlements(operator: ApiServer, services: AdministrationServices): void {
  registerListSettlements(operator, services);
  registerSettleNow(operator, services);
  registerSettings(operator, services);
}

function registerListSettlements(operator: ApiServer, { db }: AdministrationServices): void {
  const querystring = Type.Object({ ...pageProperties, livemode: LivemodeQuery, currency: Type.Optional(Currency) });
  operator.get(
    PATH,
    {
      schema: {
        operationId: "listMerchantSettlements",
        tags,
        summary: "List a merchant's settlements",
        params: IdParams,
        querystring,
        response: { 200: ListOf(SettlementObject) },
      },
    },
    async ({ params, query }) => {
      const { id: merchant_id } = await requireMerchant(db, params.id);
      const page = readPage(query, "settlement");
      const filter = {
        merchant_id,
        livemode: query.livemode ?? true,
        currency: query.currency ?? null,
        status: null,
        page,
      };
      const { rows, has_more } = cutPage(page, await listSettlements(db, filter));
      return toList(rows.map(presentSettlement), has_more, PATH.replace(":id", params.id));
    },
  );
}

function registerSettleNow(operator: ApiServer, services: AdministrationServices): void {
  const { db, settlement: own } = services;
  operator.post(
    PATH,
    {
      schema: {
        operationId: "settleMerchant",
        tags,
        summary: "Settle a merchant now",
        description:
          "Whatever its cycle: everything that is pending becomes available, above its limit after a review.",
        params: IdParams,
        body: Type.Object({ livemode: Livemode, currency: Currency }),
        response: { 200: SettlementObject, 201: SettlementObject },
      },
    },
    async (request, reply) => {
      const { id: merchant_id } = await requireMerchant(db, request.params.id);
      const key = { merchant_id, ...request.body };
      const result = await makeOnce(services, { request, reply, object_type: "settlement" }, async (tx) => {
        const settled = await settleNow(own, tx, key);
        if ("settlement" in settled) return settled.settlement;
        throw settlementErrors["settlement.nothing_to_settle"]({ values: { minimum: await minimumOf(services, key) } });
      });
      own.kick.webhooks();
      const isMade = "made" in result;
      const settlement = isMade ? result.made : await loadSettlement(db, merchant_id, result.replayed);
      return reply.code(isMade ? 201 : 200).send(presentSettlement(settlement!));
    },
  );
}

type BookOfCurrency = { merchant_id: string; livemode: boolean; currency: string };

async function minimumOf({ db }: AdministrationServices, key: BookOfCurrency): Promise<string> {
  const all = await loadSettlementSettings(db, key.merchant_id);
  const found = all.find(({ livemode, currency }) => livemode === key.livemode && currency === key.currency);
  return String(found?.minimum_amount ?? 0n);
}

function registerSettings(operator: ApiServer, services: AdministrationServices): void {
  const { db } = services;
  operator.get(
    SETTINGS,
    {
      schema: {
        operationId: "listSettlementSettings",
        tags,
        summary: "List how a merchant is settled",
        params: IdParams,
        response: { 200: Type.Object({ object: Type.Literal("list"), data: Type.Array(SettingsObject) }) },
      },
    },
    async ({ params }) => {
      const { id } = await requireMerchant(db, params.id);
      return { object: "list" as const, data: (await loadSettlementSettings(db, id)).map(presentSettings) };
    },
  );
  operator.post(
    SETTINGS,
    {
      schema: {
        operationId: "setSettlementSettings",
        tags,
        summary: "Set how a merchant is settled",
        description: "In one mode and currency, in place of what was set before.",
        params: IdParams,
        body: SettingsBody,
        response: { 200: SettingsObject },
      },
    },
    async ({ params, body }) => {
      const { id: merchant_id } = await requireMerchant(db, params.id);
      return presentSettings(await setSettlementSettings(services, { ...toSettings(body), merchant_id }));
    },
  );
}

function toSettings({ minimum_amount, review_above, ...rest }: Static<typeof SettingsBody>) {
  return {
    ...rest,
    ...(minimum_amount !== undefined && { minimum_amount: BigInt(minimum_amount) }),
    ...(review_above !== undefined && { review_above: BigInt(review_above) }),
  };
}
