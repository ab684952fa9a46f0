import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { ListOf, toList } from "../../../../kit/http/pagination.ts";
import { billNow } from "../../make-invoice.ts";
import { readStanding } from "../../prepay.ts";
import { presentBilling, presentInvoice } from "../../present.ts";
import type { ServiceFeeServices } from "../../services.ts";
import { setBilling } from "../../set-billing.ts";
import { listBilling } from "../../store.ts";
import {
  BillingObject,
  bookProperties,
  CollectionChoice,
  Currency,
  CycleChoice,
  InvoiceObject,
  IssueChoice,
  readMerchant,
  operatorTags as tags,
} from "../operator-schemas.ts";

const PATH = "/operator/v1/service_fee_billings";
const Limit = Type.Optional(
  Type.Union([Type.Integer(), Type.Null()], { description: "Only for prepaid. Minor units." }),
);

const Body = Type.Object({
  ...bookProperties,
  currency: Currency,
  cycle: CycleChoice,
  collection: CollectionChoice,
  issue: Type.Optional(IssueChoice),
  due_days: Type.Optional(Type.Integer({ minimum: 0, maximum: 365 })),
  warn_below: Limit,
  stop_below: Limit,
});

const big = (amount: number | null | undefined) => (amount == null ? null : BigInt(amount));

/** How merchants are billed: `GET` and `POST /operator/v1/service_fee_billings`, `POST …/run`. */
export function registerBillMerchants(operator: ApiServer, services: ServiceFeeServices): void {
  const { db } = services;
  operator.get(
    PATH,
    {
      schema: {
        operationId: "listServiceFeeBillings",
        tags,
        summary: "How a merchant is billed, and what is left of its prepaid fees",
        querystring: Type.Object({ merchant: bookProperties.merchant }),
        response: { 200: ListOf(BillingObject) },
      },
    },
    async ({ query }) => {
      const billings = await listBilling(db, readMerchant(query.merchant));
      const shown = billings.map(async (billing) => presentBilling(billing, await readStanding(db, billing)));
      return toList(await Promise.all(shown), false, PATH);
    },
  );
  operator.post(
    PATH,
    {
      schema: {
        operationId: "setServiceFeeBilling",
        tags,
        summary: "Say how a merchant in direct mode is billed",
        description: "In place of what was said before. The same again changes nothing.",
        body: Body,
        response: { 200: BillingObject },
      },
    },
    async ({ body }) => {
      const { merchant, warn_below, stop_below, ...rest } = body;
      const limits = { warn_below: big(warn_below), stop_below: big(stop_below) };
      const billing = await setBilling(services, { ...rest, ...limits, merchant_id: readMerchant(merchant) });
      return presentBilling(billing, await readStanding(db, billing));
    },
  );
  operator.post(
    `${PATH}/run`,
    {
      schema: {
        operationId: "runServiceFeeBilling",
        tags,
        summary: "Bill a merchant now, whatever the cycle",
        description: "Gives the invoice, or null where nothing is due. Running again bills nothing twice.",
        body: Type.Object({ ...bookProperties, currency: Currency }),
        response: { 200: Type.Object({ invoice: Type.Union([InvoiceObject, Type.Null()]) }) },
      },
    },
    async ({ body: { merchant, livemode, currency } }) => {
      const invoice = await billNow(services, { merchant_id: readMerchant(merchant), livemode, currency });
      return { invoice: invoice ? presentInvoice(invoice) : null };
    },
  );
}
