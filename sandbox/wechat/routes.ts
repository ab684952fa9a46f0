/** The addresses of WeChat Pay: API v3, and API v2 for code payments. */
import type { FastifyInstance } from "fastify";
import type { Sandbox } from "../context.ts";
import { serve } from "./answer.ts";
import { locateFundBill, locateTradeBill, serveBillFile } from "./bill.ts";
import { listCertificates } from "./certificates.ts";
import { placeCodeOrder, reverseCodeOrder } from "./code-pay-v3.ts";
import { placeOrder } from "./pay.ts";
import { closeOrder, queryByNumber, queryByTransaction } from "./query.ts";
import { addReceiver, deleteReceiver } from "./receivers.ts";
import { queryRefund, redirectRefund, requestRefund } from "./refund.ts";
import { placeSharing, queryHeldAmount, querySharing, unfreeze } from "./sharing.ts";
import { placeReturn, queryReturn } from "./sharing-return.ts";
import { order_kinds } from "./state.ts";
import { cancelTransfer, placeTransfer, queryTransfer } from "./transfer.ts";
import { serveV2, v2_calls } from "./v2.ts";

export function addWechatRoutes(app: FastifyInstance, sandbox: Sandbox): void {
  addTransactionRoutes(app, sandbox, "/v3/pay/transactions", false);
  addTransactionRoutes(app, sandbox, "/v3/pay/partner/transactions", true);
  addSharingRoutes(app, sandbox);
  addTransferRoutes(app, sandbox);
  addBillRoutes(app, sandbox);
  for (const [path, call] of Object.entries(v2_calls)) app.post(path, serveV2(sandbox, call));
  app.post(
    "/v3/refund/domestic/refunds",
    serve(sandbox, "refund", (call) => requestRefund(sandbox, call)),
  );
  app.post(
    "/v3/refund/domestic/refunds/:refund_id/apply-abnormal-refund",
    serve(sandbox, "refund", (call) => redirectRefund(sandbox, call)),
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

function addBillRoutes(app: FastifyInstance, sandbox: Sandbox): void {
  app.get(
    "/v3/bill/tradebill",
    serve(sandbox, "bill", (call) => locateTradeBill(sandbox, call)),
  );
  app.get(
    "/v3/bill/fundflowbill",
    serve(sandbox, "bill", (call) => locateFundBill(sandbox, call)),
  );
  app.get("/v3/billdownload/file", serveBillFile(sandbox));
}

/** Transfers to persons. */
function addTransferRoutes(app: FastifyInstance, sandbox: Sandbox): void {
  const base = "/v3/fund-app/mch-transfer/transfer-bills";
  app.post(
    base,
    serve(sandbox, "transfer", (call) => placeTransfer(sandbox, call)),
  );
  app.post(
    `${base}/out-bill-no/:out_bill_no/cancel`,
    serve(sandbox, "transfer", (call) => cancelTransfer(sandbox, call)),
  );
  for (const path of ["/out-bill-no/:out_bill_no", "/transfer-bill-no/:transfer_bill_no"]) {
    app.get(
      base + path,
      serve(sandbox, "transfer_query", (call) => queryTransfer(sandbox, call)),
    );
  }
}

/** Sharing, for direct merchants and for service providers alike. */
function addSharingRoutes(app: FastifyInstance, sandbox: Sandbox): void {
  const base = "/v3/profitsharing";
  const posts = [
    ["receivers", "/receivers/add", addReceiver],
    ["receivers", "/receivers/delete", deleteReceiver],
    ["share", "/orders", placeSharing],
    ["share", "/orders/unfreeze", unfreeze],
    ["share", "/return-orders", placeReturn],
  ] as const;
  const gets = [
    ["/orders/:out_order_no", querySharing],
    ["/return-orders/:out_return_no", queryReturn],
    ["/transactions/:transaction_id/amounts", queryHeldAmount],
  ] as const;
  for (const [operation, path, work] of posts) {
    app.post(
      base + path,
      serve(sandbox, operation, (call) => work(sandbox, call)),
    );
  }
  for (const [path, work] of gets) {
    app.get(
      base + path,
      serve(sandbox, "share_query", (call) => work(sandbox, call)),
    );
  }
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
