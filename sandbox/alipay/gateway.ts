/** POST|GET /gateway.do: one address for every method of Alipay's openapi. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import type { Operation } from "../kit/faults.ts";
import { ControlError, type Fields } from "../kit/input.ts";
import {
  type AlipayCall,
  AlipayError,
  type Parameters,
  readContent,
  readParameters,
  refuse,
  refuseByFault,
  sendRefusal,
  sendResult,
  verifyParameters,
} from "./answer.ts";
import { authorizeApp, exchangeAppCode, findOwner, queryAppToken } from "./authorization.ts";
import { locateBill, serveBill } from "./bill.ts";
import { payByCode } from "./code-pay.ts";
import { authorize, exchangeCode } from "./oauth.ts";
import { readBuyer } from "./payer.ts";
import { closeTrade, queryTrade } from "./query.ts";
import { cancelTrade, queryRefund, refundTrade } from "./refund.ts";
import { bindReceivers, listReceivers, unbindReceivers } from "./relation.ts";
import { querySettle, settleOrder } from "./settle.ts";
import type { AlipayKind, AlipayTrade } from "./state.ts";
import { openTrade, placeTrade } from "./trade.ts";
import { makeTransfer, queryTransfer } from "./transfer.ts";

type Method = { operation: Operation; run: (sandbox: Sandbox, call: AlipayCall) => Fields };

const success = { code: "10000", msg: "Success" };

function precreate(sandbox: Sandbox, call: AlipayCall): Fields {
  const trade = placeTrade(sandbox, "qr", call);
  return { ...success, out_trade_no: trade.out_trade_no, qr_code: qrCode(trade) };
}

/** What the QR code of a precreated trade says. */
export function qrCode(trade: AlipayTrade): string {
  return `https://qr.alipay.com/${trade.token}`;
}

/** alipay.trade.create: for a known buyer, and at once known to the API. */
function create(sandbox: Sandbox, call: AlipayCall): Fields {
  const buyer = readBuyer(sandbox, call);
  const trade = placeTrade(sandbox, "create", call);
  openTrade(sandbox, trade);
  trade.buyer_id = buyer;
  return { ...success, out_trade_no: trade.out_trade_no, trade_no: trade.trade_no };
}

/** alipay.open.app.alipaycert.download: a certificate of Alipay by its SN, also after a rotation. */
function downloadCertificate(sandbox: Sandbox, call: AlipayCall): Fields {
  const { merchant } = call.member;
  const all = [merchant.alipay_certificate, ...merchant.old_certificates];
  const found = all.find((certificate) => certificate?.sn === call.content.alipay_cert_sn);
  const issuer = sandbox.alipay.authority?.issuer_pem;
  if (found === undefined || issuer === undefined) refuse("CERT_NOT_EXIST", "证书不存在");
  return { ...success, alipay_cert_content: Buffer.from(`${found.pem}${issuer}`).toString("base64") };
}

const methods: Record<string, Method> = {
  "alipay.trade.precreate": { operation: "pay", run: precreate },
  "alipay.trade.pay": { operation: "pay", run: payByCode },
  "alipay.trade.create": { operation: "pay", run: create },
  "alipay.trade.query": { operation: "query", run: queryTrade },
  "alipay.trade.close": { operation: "close", run: closeTrade },
  "alipay.trade.cancel": { operation: "cancel", run: cancelTrade },
  "alipay.trade.refund": { operation: "refund", run: refundTrade },
  "alipay.trade.fastpay.refund.query": { operation: "refund_query", run: queryRefund },
  "alipay.trade.royalty.relation.bind": { operation: "receivers", run: bindReceivers },
  "alipay.trade.royalty.relation.unbind": { operation: "receivers", run: unbindReceivers },
  "alipay.trade.royalty.relation.batchquery": { operation: "receivers", run: listReceivers },
  "alipay.trade.order.settle": { operation: "share", run: settleOrder },
  "alipay.trade.order.settle.query": { operation: "share_query", run: querySettle },
  "alipay.fund.trans.uni.transfer": { operation: "transfer", run: makeTransfer },
  "alipay.fund.trans.common.query": { operation: "transfer_query", run: queryTransfer },
  "alipay.data.dataservice.bill.downloadurl.query": { operation: "bill", run: locateBill },
  "alipay.system.oauth.token": { operation: "oauth", run: exchangeCode },
  "alipay.open.auth.token.app": { operation: "oauth", run: exchangeAppCode },
  "alipay.open.auth.token.app.query": { operation: "oauth", run: queryAppToken },
  "alipay.open.app.alipaycert.download": { operation: "certificates", run: downloadCertificate },
};

/** Methods that a payer's browser or app opens, rather than a server. */
const page_methods: Record<string, AlipayKind> = {
  "alipay.trade.page.pay": "page",
  "alipay.trade.wap.pay": "wap",
  "alipay.trade.app.pay": "app",
};

/** Opens a signed page, wap or app order, as the payer's browser or Alipay's app does. Throws AlipayError. */
export function openSignedOrder(sandbox: Sandbox, parameters: Parameters): AlipayTrade {
  const method = parameters.method ?? "";
  const kind = page_methods[method];
  if (kind === undefined) throw new AlipayError("40002", "isv.invalid-method", "不存在的方法名");
  const member = verifyParameters(sandbox, parameters);
  const trade = placeTrade(sandbox, kind, {
    member,
    owner: findOwner(sandbox, member, parameters),
    method,
    parameters,
    content: readContent(parameters),
    fault: undefined,
  });
  openTrade(sandbox, trade);
  return trade;
}

/** A browser: a good order leads to the wallet, a bad one to a page that says why. */
function servePage(sandbox: Sandbox, parameters: Parameters, reply: FastifyReply): void {
  try {
    const trade = openSignedOrder(sandbox, parameters);
    reply.redirect(`${sandbox.public_url}/wallet/pay?code=${trade.token}`, 302);
  } catch (error) {
    if (!(error instanceof AlipayError) && !(error instanceof ControlError)) throw error;
    const name = error instanceof AlipayError ? error.sub_code : "CLOSED";
    reply.redirect(`${sandbox.public_url}/wallet/error?${new URLSearchParams({ name, reason: error.message })}`, 302);
  }
}

async function serveApi(
  sandbox: Sandbox,
  parameters: Parameters,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { method } = parameters;
  let member: AlipayCall["member"] | undefined;
  try {
    if (method === undefined || method === "") throw new AlipayError("40001", "isv.missing-method", "缺少方法名参数");
    const known = methods[method];
    if (known === undefined) throw new AlipayError("40002", "isv.invalid-method", "不存在的方法名");
    member = verifyParameters(sandbox, parameters);
    const owner = findOwner(sandbox, member, parameters);
    const fault = sandbox.faults.take("alipay", known.operation, owner.merchant.app_id);
    if (fault !== undefined && (await refuseByFault(sandbox, fault, method, reply))) return;
    const call: AlipayCall = { member, owner, method, parameters, content: readContent(parameters), fault };
    await sendResult(sandbox, call, known.run(sandbox, call), reply);
  } catch (error) {
    if (!(error instanceof AlipayError)) throw error;
    await sendRefusal(request, reply, method, member, error);
  }
}

export function addAlipayRoutes(app: FastifyInstance, sandbox: Sandbox): void {
  app.route({
    method: ["GET", "POST"],
    url: "/gateway.do",
    handler: async (request, reply) => {
      const parameters = readParameters(request.raw.url ?? "", request.body);
      if (page_methods[parameters.method ?? ""] !== undefined) servePage(sandbox, parameters, reply);
      else await serveApi(sandbox, parameters, request, reply);
    },
  });
  app.get("/downloadBillFile.resource", async (request, reply) => serveBill(sandbox, request, reply));
  app.get("/oauth2/appToAppAuth.htm", async (request, reply) => authorizeApp(sandbox, request, reply));
  app.get("/oauth2/publicAppAuthorize.htm", async (request, reply) => authorize(sandbox, request, reply));
}
