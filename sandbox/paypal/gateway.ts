/** PayPal's REST addresses that a payment needs, the payer's page, and the certificates of its webhooks. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import { interfere } from "../kit/exchange.ts";
import type { Fault, Operation } from "../kit/faults.ts";
import {
  type PaypalAnswer,
  type PaypalCall,
  PaypalError,
  readJson,
  refuseByFault,
  refuseForm,
  refuseUnknown,
  sendAnswer,
  sendInvalidToken,
  sendRefusal,
} from "./answer.ts";
import { describeDispute } from "./describe.ts";
import { captureOrder, createOrder, findOrder, readCapture, readOrderById } from "./order.ts";
import { addWebhook } from "./provision.ts";
import { readRefundById, requestRefund } from "./refund.ts";
import { searchTransactions } from "./reporting.ts";
import type { PaypalMerchant } from "./state.ts";
import { findBearer, serveToken } from "./token.ts";

type Work = (sandbox: Sandbox, call: PaypalCall, id: string) => PaypalAnswer;

/** One address: the fault operation that it may meet, and its answer. `:id` is the resource's number. */
type Address = { method: "GET" | "POST"; url: string; operation?: Operation; work: Work };

const webhooks_max = 10;

function createWebhook(sandbox: Sandbox, { merchant, body }: PaypalCall): PaypalAnswer {
  const { url } = body;
  if (typeof url !== "string" || !/^https?:\/\/\S+$/.test(url)) refuseForm("INVALID_PARAMETER_SYNTAX", "/url");
  if (merchant.webhooks.length >= webhooks_max) refuseForm("WEBHOOK_NUMBER_LIMIT_EXCEEDED", "/url");
  return { status: 201, body: { ...addWebhook(sandbox, merchant, url), event_types: [{ name: "*" }] } };
}

function readDispute(sandbox: Sandbox, { merchant }: PaypalCall, id: string): PaypalAnswer {
  const trade = sandbox.paypal.by_dispute.get(id);
  const dispute = trade?.disputes.find((item) => item.id === id);
  if (trade === undefined || dispute === undefined || trade.client_id !== merchant.client_id) refuseUnknown();
  return { status: 200, body: describeDispute(sandbox, trade, dispute) };
}

const addresses: readonly Address[] = [
  { method: "POST", url: "/v2/checkout/orders", operation: "pay", work: createOrder },
  { method: "GET", url: "/v2/checkout/orders/:id", operation: "query", work: readOrderById },
  { method: "POST", url: "/v2/checkout/orders/:id/capture", operation: "capture", work: captureOrder },
  { method: "GET", url: "/v2/payments/captures/:id", work: readCapture },
  { method: "POST", url: "/v2/payments/captures/:id/refund", operation: "refund", work: requestRefund },
  { method: "GET", url: "/v2/payments/refunds/:id", operation: "refund_query", work: readRefundById },
  { method: "GET", url: "/v1/customer/disputes/:id", work: readDispute },
  { method: "GET", url: "/v1/reporting/transactions", operation: "bill", work: searchTransactions },
  { method: "POST", url: "/v1/notifications/webhooks", work: createWebhook },
  {
    method: "GET",
    url: "/v1/notifications/webhooks",
    work: (_sandbox, { merchant }) => ({ status: 200, body: { webhooks: merchant.webhooks } }),
  },
];

/** An order's refunds are read with the order: about one that has some, either fault may be meant. */
function takeFault(
  sandbox: Sandbox,
  merchant: PaypalMerchant,
  operation: Operation | undefined,
  id: string,
): Fault | undefined {
  if (operation === undefined) return undefined;
  const take = (name: Operation) => sandbox.faults.take("paypal", name, merchant.client_id);
  if (operation !== "query") return take(operation);
  const trade = findOrder(sandbox, merchant, id);
  return take("query") ?? (trade?.capture === undefined ? undefined : take("refund_query"));
}

async function serve(sandbox: Sandbox, address: Address, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const merchant = findBearer(sandbox, request);
  if (merchant === undefined) {
    if (request.headers.authorization !== undefined) return sendInvalidToken(reply);
    return sendRefusal(sandbox, { status: 401, name: "AUTHENTICATION_FAILURE" }, reply);
  }
  const { id = "" } = request.params as { id?: string };
  const fault = takeFault(sandbox, merchant, address.operation, id);
  if (fault !== undefined && (await refuseByFault(sandbox, fault, reply))) return;
  try {
    const body = address.method === "POST" ? readJson(request) : {};
    await sendAnswer(sandbox, fault, address.work(sandbox, { merchant, request, body, fault }, id), reply);
  } catch (error) {
    if (!(error instanceof PaypalError)) throw error;
    if (fault?.fault === "timeout_after") return sendAnswer(sandbox, fault, { status: 0, body: "" }, reply);
    sendRefusal(sandbox, error.refusal, reply);
  }
}

/** The chain of the certificate that signed a webhook, as one PEM text; public. */
async function serveCertificate(sandbox: Sandbox, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { id } = request.params as { id: string };
  const signer = sandbox.paypal.authority?.signers.find((item) => item.id === id);
  const fault = sandbox.faults.take("paypal", "certificates", "");
  if (fault !== undefined && (await refuseByFault(sandbox, fault, reply))) return;
  if (signer === undefined) return sendRefusal(sandbox, { status: 404, name: "RESOURCE_NOT_FOUND" }, reply);
  if (fault !== undefined && (await interfere(sandbox, fault, reply))) return;
  reply.code(200).type("application/x-x509-ca-cert").send(signer.chain);
}

export function addPaypalRoutes(app: FastifyInstance, sandbox: Sandbox): void {
  app.post("/v1/oauth2/token", (request, reply) => serveToken(sandbox, request, reply));
  app.get("/v1/notifications/certs/:id", (request, reply) => serveCertificate(sandbox, request, reply));
  app.get("/checkoutnow", async (request, reply) => {
    const { token = "" } = request.query as { token?: string };
    reply.redirect(`${sandbox.public_url}/wallet/pay?${new URLSearchParams({ code: token })}`, 302);
  });
  for (const address of addresses) {
    const handler = (request: FastifyRequest, reply: FastifyReply) => serve(sandbox, address, request, reply);
    app.route({ method: address.method, url: address.url, handler });
  }
}
