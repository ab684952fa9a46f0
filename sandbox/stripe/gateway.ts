/** /v1: the addresses of Stripe's API that a payment by Checkout needs. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import type { Fault, Operation } from "../kit/faults.ts";
import type { Fields } from "../kit/input.ts";
import {
  authenticate,
  readParameters,
  refuseByFault,
  refuseMissing,
  runOnce,
  type StripeCall,
  StripeError,
  sendAnswer,
  sendError,
  textsOf,
  write,
} from "./answer.ts";
import { listBalanceTransactions } from "./balance-transactions.ts";
import { readDispute } from "./dispute.ts";
import { api_version } from "./notice.ts";
import { showCharge, showPaymentIntent, showSession } from "./objects.ts";
import { createRefund, findPayment, listRefunds, readRefund } from "./refund.ts";
import { createSession, expireSession, findSession, listSessions } from "./session.ts";
import type { StripeAccount } from "./state.ts";

type Endpoint = {
  method: "GET" | "POST";
  path: string;
  operation: Operation;
  run: (sandbox: Sandbox, call: StripeCall, id: string) => Fields;
};

function readCharge(sandbox: Sandbox, { account }: StripeCall, id: string): Fields {
  const trade = [...sandbox.stripe.trades.values()].find(({ charge }) => charge === id);
  const charge = trade?.account_id === account.account_id ? showCharge(trade) : null;
  return charge ?? refuseMissing("charge", id);
}

function readBalance(sandbox: Sandbox, { account }: StripeCall): Fields {
  const sums = new Map<string, bigint>();
  for (const trade of sandbox.stripe.trades.values()) {
    if (trade.account_id !== account.account_id || trade.paid_at_ms === undefined) continue;
    const given = trade.refunds
      .filter(({ status }) => status !== "failed")
      .reduce((sum, { amount }) => sum + amount, 0n);
    sums.set(trade.currency, (sums.get(trade.currency) ?? 0n) + trade.total - given);
  }
  const available = [...sums].map(([currency, amount]) => ({ amount, currency, source_types: { card: amount } }));
  return { object: "balance", available, livemode: false, pending: [] };
}

function showAccount(account: StripeAccount): Fields {
  const { account_id: id, name } = account;
  return { id, object: "account", business_profile: { name }, charges_enabled: true, country: "US", type: "standard" };
}

const endpoints: readonly Endpoint[] = [
  { method: "POST", path: "/v1/checkout/sessions", operation: "pay", run: createSession },
  { method: "GET", path: "/v1/checkout/sessions", operation: "query", run: listSessions },
  {
    method: "GET",
    path: "/v1/checkout/sessions/:id",
    operation: "query",
    run: (sandbox, call, id) =>
      showSession(sandbox, findSession(sandbox, call, id), textsOf(call.parameters, "expand")),
  },
  { method: "POST", path: "/v1/checkout/sessions/:id/expire", operation: "close", run: expireSession },
  {
    method: "GET",
    path: "/v1/payment_intents/:id",
    operation: "query",
    run: (sandbox, call, id) =>
      showPaymentIntent(findPayment(sandbox, call, id), textsOf(call.parameters, "expand")) ??
      refuseMissing("payment_intent", id),
  },
  { method: "GET", path: "/v1/charges/:id", operation: "query", run: readCharge },
  { method: "POST", path: "/v1/refunds", operation: "refund", run: createRefund },
  { method: "GET", path: "/v1/refunds", operation: "refund_query", run: listRefunds },
  { method: "GET", path: "/v1/refunds/:id", operation: "refund_query", run: readRefund },
  { method: "GET", path: "/v1/disputes/:id", operation: "query", run: readDispute },
  { method: "GET", path: "/v1/balance_transactions", operation: "bill", run: listBalanceTransactions },
  { method: "GET", path: "/v1/balance", operation: "query", run: readBalance },
  { method: "GET", path: "/v1/account", operation: "query", run: (_sandbox, { account }) => showAccount(account) },
];

/** Makes the objects of an answer untrue in the one field that the fault names. */
function distort(body: string, fault: Fault | undefined): string {
  const name = fault?.fault;
  if (name !== "wrong_amount" && name !== "wrong_currency" && name !== "wrong_number") return body;
  const answer = JSON.parse(body);
  for (const object of answer.object === "list" ? answer.data : [answer]) {
    if (name === "wrong_currency") object.currency = object.currency === "eur" ? "usd" : "eur";
    else if (name === "wrong_number") object.client_reference_id = `${object.client_reference_id}#`;
    else if (object.object === "checkout.session") object.amount_total += 1;
    else object.amount += 1;
  }
  return JSON.stringify(answer);
}

async function serve(
  sandbox: Sandbox,
  endpoint: Endpoint,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  reply.header("Request-Id", `req_${sandbox.random.token(14)}`);
  reply.header("Stripe-Version", request.headers["stripe-version"] ?? api_version);
  try {
    const account = authenticate(sandbox, request);
    const fault = sandbox.faults.take("stripe", endpoint.operation, account.account_id);
    if (fault !== undefined && (await refuseByFault(sandbox, fault, reply))) return;
    const header = request.headers["idempotency-key"];
    const idempotency_key = request.method === "POST" && typeof header === "string" ? header : undefined;
    if (idempotency_key !== undefined) reply.header("Idempotency-Key", idempotency_key);
    const call: StripeCall = { account, parameters: readParameters(request), fault, idempotency_key };
    const { id = "" } = request.params as { id?: string };
    const path = request.url.split("?")[0]!;
    const run = () => endpoint.run(sandbox, call, id);
    const answer = request.method === "POST" ? runOnce(sandbox, call, path, run) : { body: write(run()) };
    await sendAnswer(sandbox, fault, { ...answer, body: distort(answer.body, fault) }, reply);
  } catch (error) {
    if (!(error instanceof StripeError)) throw error;
    sendError(reply, error);
  }
}

export function addStripeRoutes(app: FastifyInstance, sandbox: Sandbox): void {
  for (const endpoint of endpoints) {
    app.route({
      method: endpoint.method,
      url: endpoint.path,
      handler: async (request, reply) => {
        await serve(sandbox, endpoint, request, reply);
        return reply;
      },
    });
  }
}
