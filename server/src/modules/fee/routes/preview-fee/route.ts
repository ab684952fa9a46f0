import { Type } from "typebox";
import { methods } from "../../../../channels/contract.ts";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { ListOf, toList } from "../../../../kit/http/pagination.ts";
import { presentQuote } from "../../present.ts";
import { type PreviewServices, previewFee } from "../../preview-fee.ts";
import { FeeQuoteObject } from "../schemas.ts";

const PATH = "/v1/fees/preview";
const AMOUNT_MAX = 100_000_000_000;

const Body = Type.Object({
  method: Type.Union(methods.map((method) => Type.Literal(method))),
  amount: Type.Integer({ minimum: 1, maximum: AMOUNT_MAX, description: "Minor units." }),
  currency: Type.String({ pattern: "^[A-Z]{3}$" }),
  store: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  at: Type.Optional(Type.String({ format: "date-time", description: "As of this instant; now unless given." })),
});

/** `POST /v1/fees/preview`: a quote for each account that could take the payment. Changes nothing. */
export function registerPreviewFee(api: ApiServer, services: PreviewServices): void {
  api.post(
    PATH,
    {
      schema: {
        operationId: "previewFee",
        tags: ["Fees"],
        summary: "Say what a payment would cost",
        description:
          "Which rule would price a payment of this app, through each of your channel accounts that offers the method, the preferred one first. A promotion is quoted while it has room now.",
        body: Body,
        response: { 200: ListOf(FeeQuoteObject) },
      },
    },
    async ({ caller, body }) => {
      const { merchant_id, livemode, app_id } = caller;
      const { method, currency, store = null } = body;
      const at = body.at === undefined ? undefined : Date.parse(body.at);
      const wanted = { merchant_id, livemode, app_id, method, currency, store, amount: BigInt(body.amount), at };
      return toList((await previewFee(services, wanted)).map(presentQuote), false, PATH);
    },
  );
}
