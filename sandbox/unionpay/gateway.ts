/** /gateway/api/*.do: the four addresses of UnionPay's gateway that a payment needs, and `/` of its file server. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import type { Fault, Operation } from "../kit/faults.ts";
import {
  checkSignature,
  type Message,
  readForm,
  refuse,
  refuseByFault,
  sendAnswer,
  type UnionpayCall,
  UnionpayError,
} from "./answer.ts";
import { transferFile } from "./bill.ts";
import { payByCode, payUrl, placeOrder, qrCode } from "./order.ts";
import { findOrder, queryOrder } from "./query.ts";
import { requestRefund, reverseOrder } from "./refund.ts";
import type { UnionpayTrade } from "./state.ts";
import { authorizeUser, exchangeUserAuthCode } from "./user-auth.ts";

/** One transaction of an address: the fault operations that it may meet, and its answer's fields. */
type Transaction = { operation: Operation; run: (sandbox: Sandbox, call: UnionpayCall) => Message };

const pay = (run: Transaction["run"]): Transaction => ({ operation: "pay", run });
const refund: Transaction = { operation: "refund", run: requestRefund };

/** By address, then by txnType and txnSubType. */
const transactions: Readonly<Record<string, Readonly<Record<string, Transaction>>>> = {
  appTransReq: { "01/01": pay((sandbox, call) => ({ tn: placeOrder(sandbox, "app", call).token })) },
  newAppTransReq: {
    "00/10": { operation: "oauth", run: exchangeUserAuthCode },
    "01/01": pay((sandbox, call) => ({ payUrl: payUrl(sandbox, placeOrder(sandbox, "jsapi", call)) })),
  },
  backTransReq: {
    "01/06": pay((sandbox, call) => {
      payByCode(sandbox, call);
      return {};
    }),
    "01/07": pay((sandbox, call) => ({ qrCode: qrCode(placeOrder(sandbox, "qr", call)) })),
    "04/00": refund,
    "31/00": refund,
    "99/01": {
      operation: "cancel",
      run(sandbox, call) {
        reverseOrder(sandbox, call);
        return {};
      },
    },
  },
  queryTrans: { "00/00": { operation: "query", run: queryOrder } },
};

/** The file server has a host of its own (filedownload.95516.com) and one address. */
const file_transactions: Readonly<Record<string, Transaction>> = {
  "76/01": { operation: "bill", run: transferFile },
};

/** A query asks for payments and refunds alike: which it is, the order tells; about an unknown one either fault may be meant. */
function takeFault(sandbox: Sandbox, operation: Operation, request: Message): Fault | undefined {
  const take = (name: Operation) => sandbox.faults.take("unionpay", name, request.merId ?? "");
  if (operation !== "query") return take(operation);
  const order = findOrder(sandbox, request);
  if (order === undefined) return take("query") ?? take("refund_query");
  return take(order.refund === undefined ? "query" : "refund_query");
}

async function serve(
  sandbox: Sandbox,
  served: Readonly<Record<string, Transaction>>,
  request: Message,
  reply: FastifyReply,
): Promise<void> {
  const member = sandbox.unionpay.members.get(request.merId ?? "");
  // The real gateway answers so, unsigned, whoever it cannot place.
  if (member === undefined) return void reply.code(200).type("text/html").send("Invalid request.");
  const call: UnionpayCall = { member, request, fault: undefined };
  try {
    checkSignature(sandbox, member, request);
    const transaction = served[`${request.txnType}/${request.txnSubType}`] ?? refuse("10");
    call.fault = takeFault(sandbox, transaction.operation, request);
    if (call.fault !== undefined && (await refuseByFault(sandbox, call.fault, reply))) return;
    await sendAnswer(sandbox, call, "00", transaction.run(sandbox, call), reply);
  } catch (error) {
    if (!(error instanceof UnionpayError)) throw error;
    await sendAnswer(sandbox, call, error.code, {}, reply);
  }
}

/** Opens the form that a payer's browser brings to frontTransReq.do. Throws UnionpayError. */
export function openFrontOrder(sandbox: Sandbox, request: Message): UnionpayTrade {
  const member = sandbox.unionpay.members.get(request.merId ?? "") ?? refuse("32");
  checkSignature(sandbox, member, request);
  return placeOrder(sandbox, "web", { member, request, fault: undefined });
}

/** A browser: a good order leads to the wallet, a bad one to a page that says why. */
function serveFront(sandbox: Sandbox, request: FastifyRequest, reply: FastifyReply): void {
  try {
    const trade = openFrontOrder(sandbox, readForm(request.body));
    reply.redirect(`${sandbox.public_url}/wallet/pay?code=${trade.token}`, 302);
  } catch (error) {
    if (!(error instanceof UnionpayError)) throw error;
    const query = new URLSearchParams({ name: error.code, reason: error.message, channel: "unionpay" });
    reply.redirect(`${sandbox.public_url}/wallet/error?${query}`, 302);
  }
}

export function addUnionpayRoutes(app: FastifyInstance, sandbox: Sandbox): void {
  app.post("/gateway/api/frontTransReq.do", async (request, reply) => serveFront(sandbox, request, reply));
  const add = (path: string, served: Readonly<Record<string, Transaction>>) =>
    app.post(path, async (request, reply) => {
      await serve(sandbox, served, readForm(request.body), reply);
    });
  for (const [address, served] of Object.entries(transactions)) add(`/gateway/api/${address}.do`, served);
  add("/", file_transactions);
  app.get("/qrcGtwWeb-web/api/userAuth", async (request, reply) => authorizeUser(sandbox, request, reply));
}
