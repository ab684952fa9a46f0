import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { publicId } from "../../../../kit/id.ts";
import type { Transaction } from "../../../../kit/sql/database.ts";
import { loadApproval, type RequestedApproval } from "../../../approval/index.ts";
import { makeOnce } from "../../../operator/index.ts";
import { requestBankPayment, requestDeposit } from "../../request-money.ts";
import type { ServiceFeeServices } from "../../services.ts";
import { readInvoiceKey } from "../decide-invoice/route.ts";
import {
  Amount,
  bookProperties,
  Currency,
  Reason,
  RecordObject,
  Reference,
  readMerchant,
  operatorTags as tags,
} from "../operator-schemas.ts";
import { InvoiceParams } from "../schemas.ts";

const response = { 200: RecordObject, 201: RecordObject };
const said = { amount: Amount, reference: Reference, reason: Type.Optional(Reason) };

/** Asks once for each Idempotency-Key, and says whether it is booked or waits for another operator. */
async function record(
  services: ServiceFeeServices,
  request: FastifyRequest,
  reply: FastifyReply,
  ask: (tx: Transaction) => Promise<RequestedApproval>,
) {
  const result = await makeOnce(services, { request, reply, object_type: "approval" }, async (tx) => {
    const requested = await ask(tx);
    return { ...requested, id: requested.approval.id };
  });
  const isMade = "made" in result;
  if (isMade) result.made.committed();
  const id = isMade ? result.made.id : result.replayed;
  const approval = (await loadApproval(services.db, id))!;
  const status = approval.status === "approved" ? ("booked" as const) : ("in_review" as const);
  const shown = { object: "service_fee_record" as const, status, approval: publicId("approval", id) };
  return { code: isMade ? (201 as const) : (200 as const), shown };
}

/** `POST /operator/v1/service_fee_deposits` and `POST /operator/v1/service_fee_invoices/:id/pay`. */
export function registerRecordMoney(operator: ApiServer, services: ServiceFeeServices): void {
  operator.post(
    "/operator/v1/service_fee_deposits",
    {
      schema: {
        operationId: "recordServiceFeeDeposit",
        tags,
        summary: "Record what a merchant paid in advance, or what went back",
        description: "A reference of the bank is booked once: the same again, with the same amount, changes nothing.",
        body: Type.Object({
          ...bookProperties,
          currency: Currency,
          type: Type.Unsafe<"top_up" | "return">({ type: "string", enum: ["top_up", "return"] }),
          ...said,
        }),
        response,
      },
    },
    async (request, reply) => {
      const { merchant, type: kind, amount, ...rest } = request.body;
      const given = { ...rest, kind, merchant_id: readMerchant(merchant), amount: BigInt(amount) };
      const made_by = request.operator.user_id;
      const ask = (tx: Transaction) => requestDeposit(services, tx, { ...given, made_by });
      const { code, shown } = await record(services, request as FastifyRequest, reply as FastifyReply, ask);
      return reply.code(code).send(shown);
    },
  );
  operator.post(
    "/operator/v1/service_fee_invoices/:id/pay",
    {
      schema: {
        operationId: "payServiceFeeInvoice",
        tags,
        summary: "Record a bank transfer that paid an invoice",
        description: "Or a part of it, never more than is due. A reference of the bank is booked once.",
        params: InvoiceParams,
        body: Type.Object({ merchant: bookProperties.merchant, ...said }),
        response,
      },
    },
    async (request, reply) => {
      const { merchant, amount, ...rest } = request.body;
      const key = readInvoiceKey(merchant, request.params.id);
      const given = { ...rest, amount: BigInt(amount), made_by: request.operator.user_id };
      const ask = (tx: Transaction) => requestBankPayment(services, tx, key, given);
      const { code, shown } = await record(services, request as FastifyRequest, reply as FastifyReply, ask);
      return reply.code(code).send(shown);
    },
  );
}
