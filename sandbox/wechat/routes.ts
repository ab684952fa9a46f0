/** The addresses of WeChat Pay: API v3, and API v2 for code payments. */
import type { FastifyInstance } from "fastify";
import type { Sandbox } from "../context.ts";
import { serve } from "./answer.ts";
import { listCertificates } from "./certificates.ts";
import { placeCodeOrder, reverseCodeOrder } from "./code-pay-v3.ts";
import { placeOrder } from "./pay.ts";
import { closeOrder, queryByNumber, queryByTransaction } from "./query.ts";
import { queryRefund, requestRefund } from "./refund.ts";
import { order_kinds } from "./state.ts";
import { serveV2, v2_calls } from "./v2.ts";

export function addWechatRoutes(app: FastifyInstance, sandbox: Sandbox): void {
  addTransactionRoutes(app, sandbox, "/v3/pay/transactions", false);
  addTransactionRoutes(app, sandbox, "/v3/pay/partner/transactions", true);
  for (const [path, call] of Object.entries(v2_calls)) app.post(path, serveV2(sandbox, call));
  app.post(
    "/v3/refund/domestic/refunds",
    serve(sandbox, "refund", (call) => requestRefund(sandbox, call)),
  );
  app.get(
    "/v3/refund/domestic/refunds/:out_refund_no",
    serve(sandbox, "refund_query", (call) => queryRefund(sandbox, call)),
  );
  app.get(
    "/v3/certificates",
    serve(sandbox, "certificates", (call) => listCertificates(sandbox, call)),
  );
}

/** Orders of direct merchants, or of service providers for their sub-merchants (`partner`). */
function addTransactionRoutes(app: FastifyInstance, sandbox: Sandbox, base: string, partner: boolean): void {
  const by_number = `${base}/out-trade-no/:out_trade_no`;
  for (const kind of order_kinds) {
    app.post(
      `${base}/${kind}`,
      serve(sandbox, "pay", (call) => placeOrder(sandbox, kind, call, partner)),
    );
  }
  app.post(
    `${base}/codepay`,
    serve(sandbox, "pay", (call) => placeCodeOrder(sandbox, call, partner)),
  );
  app.post(
    `${by_number}/reverse`,
    serve(sandbox, "cancel", (call) => reverseCodeOrder(sandbox, call, partner)),
  );
  app.get(
    `${base}/id/:transaction_id`,
    serve(sandbox, "query", (call) => queryByTransaction(sandbox, call, partner)),
  );
  app.get(
    by_number,
    serve(sandbox, "query", (call) => queryByNumber(sandbox, call, partner)),
  );
  app.post(
    `${by_number}/close`,
    serve(sandbox, "close", (call) => closeOrder(sandbox, call, partner)),
  );
}
