/** The addresses of WeChat Pay API v3. */
import type { FastifyInstance } from "fastify";
import type { Sandbox } from "../context.ts";
import { serve } from "./answer.ts";
import { listCertificates } from "./certificates.ts";
import { placeOrder } from "./pay.ts";
import { closeOrder, queryByNumber, queryByTransaction } from "./query.ts";
import { queryRefund, requestRefund } from "./refund.ts";
import { trade_kinds } from "./state.ts";

export function addWechatRoutes(app: FastifyInstance, sandbox: Sandbox): void {
  const base = "/v3/pay/transactions";
  for (const kind of trade_kinds) {
    app.post(
      `${base}/${kind}`,
      serve(sandbox, "pay", (call) => placeOrder(sandbox, kind, call)),
    );
  }
  app.get(
    `${base}/id/:transaction_id`,
    serve(sandbox, "query", (call) => queryByTransaction(sandbox, call)),
  );
  app.get(
    `${base}/out-trade-no/:out_trade_no`,
    serve(sandbox, "query", (call) => queryByNumber(sandbox, call)),
  );
  app.post(
    `${base}/out-trade-no/:out_trade_no/close`,
    serve(sandbox, "close", (call) => closeOrder(sandbox, call)),
  );
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
