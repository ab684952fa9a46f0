import { type Static, Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import type { Rounding } from "../../../../kit/money.ts";
import {
  createFeeRule,
  type FeeRuleInput,
  FeeRuleObject,
  feeErrors,
  loadFeeRule,
  pageFeeRules,
  presentFeeRule,
  type QuotaPeriod,
  quotaPeriods,
  stopFeeRule,
} from "../../../fee/index.ts";
import { makeOnce } from "../../../operator/index.ts";
import { Currency, IdParams, Livemode, LivemodeQuery, Reason, requireId, requireMerchant } from "../../of-merchant.ts";
import type { AdministrationServices } from "../../services.ts";

const PATH = "/operator/v1/merchants/:id/fee_rules";
const tags = ["Operator: fees"];
const Amount = (description: string) => Type.Optional(Type.Integer({ minimum: 0, description }));
const Text = (description: string) => Type.Optional(Type.String({ minLength: 1, maxLength: 64, description }));
const Time = (description: string) => Type.Optional(Type.String({ format: "date-time", description }));
const roundings = ["half_up", "half_even", "up", "down"] as const satisfies readonly Rounding[];

const RuleBody = Type.Object({
  livemode: Livemode,
  currency: Currency,
  rate_ppm: Type.Integer({ minimum: 0, maximum: 1_000_000, description: "Parts per million: 6000 is 0.6 %." }),
  fixed_amount: Amount("Added to each payment, in minor units."),
  floor_amount: Amount("The least that is charged."),
  cap_amount: Amount("The most that is charged."),
  rounding: Type.Optional(Type.Unsafe<Rounding>({ type: "string", enum: [...roundings] })),
  app: Text("Only this app, by id."),
  channel: Text("Only this channel."),
  channel_account: Text("Only this channel account, by id."),
  method: Text("Only this method, or all of a channel as wechat.*."),
  store: Text("Only payments that carry this store."),
  amount_from: Amount("Only payments of this amount or more."),
  amount_below: Amount("Only payments of less than this amount."),
  quota: Type.Optional(
    Type.Object({
      period: Type.Unsafe<QuotaPeriod>({ type: "string", enum: [...quotaPeriods] }),
      count: Amount("Payments in each period."),
      amount: Amount("Money in each period."),
    }),
  ),
  refund_returns_fee: Type.Optional(
    Type.Boolean({ description: "Whether refunds give back their share; yes unless given." }),
  ),
  effective_from: Time("Now unless given."),
  effective_until: Time("Without end unless given."),
});

/** A merchant's prices: list, add, and end. Rules never change. */
export function registerFeeRules(operator: ApiServer, services: AdministrationServices): void {
  registerListRules(operator, services);
  registerCreateRule(operator, services);
  registerEndRule(operator, services);
}

function registerListRules(operator: ApiServer, { db, clock }: AdministrationServices): void {
  const in_force = Type.Optional(Type.Boolean({ description: "true: only rules that are in force now." }));
  operator.get(
    PATH,
    {
      schema: {
        operationId: "listMerchantFeeRules",
        tags,
        summary: "List a merchant's fee rules",
        params: IdParams,
        querystring: Type.Object({ ...pageProperties, livemode: LivemodeQuery, in_force }),
        response: { 200: ListOf(FeeRuleObject) },
      },
    },
    async ({ params, query }) => {
      const { id: merchant_id } = await requireMerchant(db, params.id);
      const page = readPage(query, "fee_rule");
      const in_force_at = query.in_force === true ? clock.now() : null;
      const found = await pageFeeRules(db, { merchant_id, livemode: query.livemode ?? true, in_force_at, page });
      const { rows, has_more } = cutPage(page, found);
      return toList(rows.map(presentFeeRule), has_more, PATH.replace(":id", params.id));
    },
  );
}

function registerCreateRule(operator: ApiServer, services: AdministrationServices): void {
  operator.post(
    PATH,
    {
      schema: {
        operationId: "createMerchantFeeRule",
        tags,
        summary: "Add a fee rule",
        description: "The most specific rule in force prices a payment, which keeps it.",
        params: IdParams,
        body: RuleBody,
        response: { 200: FeeRuleObject, 201: FeeRuleObject },
      },
    },
    async (request, reply) => {
      const { id: merchant_id } = await requireMerchant(services.db, request.params.id);
      const input = toRule(merchant_id, request.body);
      const result = await makeOnce(services, { request, reply, object_type: "fee_rule" }, (tx) =>
        createFeeRule({ ...services, sql: tx }, input),
      );
      const isMade = "made" in result;
      const rule = isMade ? result.made : await loadFeeRule(services.db, merchant_id, result.replayed);
      return reply.code(isMade ? 201 : 200).send(presentFeeRule(rule!));
    },
  );
}

function registerEndRule(operator: ApiServer, services: AdministrationServices): void {
  operator.post(
    `${PATH}/:rule/end`,
    {
      schema: {
        operationId: "endMerchantFeeRule",
        tags,
        summary: "End a fee rule",
        description: "Now, or later. What it has priced stays as it is.",
        params: Type.Object({ id: Type.String({ maxLength: 64 }), rule: Type.String({ maxLength: 64 }) }),
        body: Type.Object({ effective_until: Time("Now unless given."), reason: Reason }),
        response: { 200: FeeRuleObject },
      },
    },
    async ({ params, body }) => {
      const { id: merchant_id } = await requireMerchant(services.db, params.id);
      const id = requireId("fee_rule", params.rule, feeErrors["fee.rule_not_found"]);
      const { effective_until: until } = body;
      const end = { merchant_id, id, ...(until !== undefined && { effective_until: Date.parse(until) }) };
      return presentFeeRule(await stopFeeRule({ ...services, sql: services.db }, end));
    },
  );
}

function toRule(merchant_id: string, body: Static<typeof RuleBody>): FeeRuleInput {
  const amount = (value: number | undefined) => (value === undefined ? null : BigInt(value));
  const { app, channel_account, quota, effective_from, effective_until } = body;
  const notFound = (problem: string) => () => feeErrors["fee.invalid_rule"]({ values: { problem } });
  return {
    ...{ merchant_id, livemode: body.livemode, currency: body.currency, rate_ppm: BigInt(body.rate_ppm) },
    ...{ fixed_amount: BigInt(body.fixed_amount ?? 0), floor_amount: BigInt(body.floor_amount ?? 0) },
    ...{ cap_amount: amount(body.cap_amount), ...(body.rounding !== undefined && { rounding: body.rounding }) },
    app_id: app === undefined ? null : requireId("app", app, notFound("app is no id of an app.")),
    channel_account_id:
      channel_account === undefined
        ? null
        : requireId("channel_account", channel_account, notFound("channel_account is no id of one.")),
    ...{ channel: body.channel ?? null, method: body.method ?? null, store: body.store ?? null },
    ...{ amount_from: amount(body.amount_from), amount_below: amount(body.amount_below) },
    ...(quota && {
      ...{ quota_period: quota.period, quota_count: amount(quota.count), quota_amount: amount(quota.amount) },
    }),
    refund_returns_fee: body.refund_returns_fee ?? true,
    ...(effective_from !== undefined && { effective_from: Date.parse(effective_from) }),
    ...(effective_until !== undefined && { effective_until: Date.parse(effective_until) }),
  };
}
