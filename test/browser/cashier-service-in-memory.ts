/** A `CashierService` in memory, for tests of the pages alone: payments are put in, and paid, by the test. */
import type { Action, Method } from "../../server/src/channels/contract.ts";
import { defineErrors } from "../../server/src/kit/error.ts";
import { money } from "../../server/src/kit/money.ts";
import type { CashierPayment, CashierService } from "../../server/src/modules/cashier/service.ts";

type Started = Awaited<ReturnType<CashierService["start"]>>;

export interface InMemoryCashierService extends CashierService {
  /** Puts a payment in, and gives it back; a token is made from the number of payments unless given. */
  put(overrides?: Partial<CashierPayment>): CashierPayment;
  change(token: string, changes: Partial<CashierPayment>): void;
  /** The payer paid and the channel said so. */
  succeed(token: string): void;
  /** What the next `start` does instead of succeeding: a refusal, an answer, or an error to throw. */
  next(outcome: Partial<Started> | Error): void;
  /** Every call of `start`, as it came. */
  readonly starts: { token: string; method: Method; payer: Record<string, unknown>; return_url: string }[];
}

export const cashierTestErrors = defineErrors({
  "cashier_test.channel_down": {
    type: "channel_error",
    status: 503,
    message: "The channel is down.",
    retryable: true,
    outcome: "none",
  },
  "cashier_test.unknown": {
    type: "channel_error",
    status: 504,
    message: "The channel did not answer.",
    retryable: true,
    outcome: "unknown",
  },
  "cashier_test.wrong_code": {
    type: "invalid_request_error",
    status: 400,
    message: "The code is not good.",
    retryable: false,
    outcome: "none",
  },
});

const MINUTES_15 = 15 * 60_000;

/** @param wallet_url the base of the pages that stand for the wallets' own. */
export function createInMemoryCashierService(clock: { now(): number }, wallet_url: string): InMemoryCashierService {
  const payments = new Map<string, CashierPayment>();
  const starts: InMemoryCashierService["starts"] = [];
  let planned: Partial<Started> | Error | undefined;
  const change = (token: string, changes: Partial<CashierPayment>) => {
    payments.set(token, { ...payments.get(token)!, ...changes });
  };
  return {
    starts,
    put(overrides = {}) {
      const payment = { ...samplePayment(payments.size + 1, clock.now() + MINUTES_15), ...overrides };
      payments.set(payment.token, payment);
      return payment;
    },
    change,
    succeed: (token) => change(token, { status: "succeeded", attempt: undefined }),
    next(outcome) {
      planned = outcome;
    },
    load: async (token) => payments.get(token),
    async start(token, method, payer, return_url) {
      starts.push({ token, method, payer: { ...payer }, return_url });
      const outcome = planned;
      planned = undefined;
      if (outcome instanceof Error) throw outcome;
      const action = outcome?.action ?? actionOf(method, token, return_url, wallet_url, starts.length);
      if (!outcome?.failure) change(token, { status: "processing", attempt: { method, action } });
      return { status: payments.get(token)!.status, action, failure: outcome?.failure };
    },
    async authorizeUrl(_token, method, redirect_url, state) {
      if (!method.endsWith(".jsapi")) return undefined;
      return `${wallet_url}/oauth?${new URLSearchParams({ redirect_url, state })}#wechat_redirect`;
    },
    returned: () => Promise.resolve(),
    codeParameter: (method) => (method.startsWith("wechat") ? "code" : "auth_code"),
    async identify(_token, _method, code) {
      if (code !== "good-code") throw cashierTestErrors["cashier_test.wrong_code"]();
      return { openid: "o-payer-1" };
    },
  };
}

function samplePayment(number: number, expires_at: number): CashierPayment {
  return {
    id: `pay_TEST${number}`,
    token: `token-${number}`,
    status: "created",
    amount: money(26_800n, "CNY"),
    subject: "手冲咖啡豆 埃塞俄比亚 500g",
    description: undefined,
    merchant_name: "山野咖啡 Shanye Coffee",
    livemode: false,
    expires_at,
    return_url: undefined,
    out_trade_no: `2026112000${number}`,
    methods: ["wechat.jsapi", "wechat.h5", "wechat.native", "alipay.wap", "alipay.qr", "alipay.page"],
    attempt: undefined,
  };
}

function actionOf(method: Method, token: string, return_url: string, wallet_url: string, number: number): Action {
  if (method === "wechat.jsapi") {
    const parameters = { appId: "wx1", timeStamp: "1", nonceStr: "n", package: `prepay_id=${number}`, signType: "RSA" };
    return { type: "jsapi", parameters: { ...parameters, paySign: token } };
  }
  if (method === "wechat.native") return { type: "qr_code", qr_code: `weixin://wxpay/bizpayurl?pr=${token}` };
  if (method === "unionpay.web") {
    const fields = { orderId: token, frontUrl: return_url, signature: "a+b/c==", orderDesc: '"><script>' };
    return { type: "form", url: `${wallet_url}/gateway/api/frontTransReq.do`, fields };
  }
  if (method === "alipay.qr") return { type: "qr_code", qr_code: `https://qr.alipay.com/${token}` };
  return { type: "redirect", url: `${wallet_url}/pay?${new URLSearchParams({ method, token, return_url })}` };
}
