/** What the cashier may do with a payment; the implementation of `modules/cashier/service.ts`. */
import { LRUCache } from "lru-cache";
import { methods as allMethods, type Channel, type Method } from "../../channels/contract.ts";
import { publicId } from "../../kit/id.ts";
import type { CashierPayment, CashierService } from "../cashier/index.ts";
import { hurryAttempt } from "./attempt-store.ts";
import { decodeCashierToken } from "./cashier-token.ts";
import { createAttempt } from "./create-attempt.ts";
import { paymentErrors } from "./errors.ts";
import { explainNoRoute, findRoute } from "./new-attempt.ts";
import { openChannel } from "./open-channel.ts";
import { isOpenAttempt, isOpenPayment, type Payment } from "./payment.ts";
import { findShownAttempt } from "./read-payment.ts";
import type { PaymentServices } from "./services.ts";
import { loadPayments } from "./store.ts";

const RETURNED_MAX = 10_000;
const RETURNED_AGAIN_MS = 10_000;

/** The implementation of `modules/cashier/service.ts`. */
export function createCashierService(services: PaymentServices): CashierService {
  /** When attempts were asked about because their payer came back: a page that is loaded again asks nothing new. */
  const asked = new LRUCache<string, number>({ max: RETURNED_MAX });
  return {
    async load(token) {
      const payment = await find(services, token);
      return payment && viewForPayer(services, token, payment);
    },
    async start(token, method, payer, return_url) {
      const payment = await mustFind(services, token);
      const started = await createAttempt(services, payment, { method, payer, return_url });
      const { failure_code, failure_message } = started.attempt;
      return {
        status: started.payment.status,
        action: started.attempt.action ?? { type: "none" },
        failure: failure_code === null ? undefined : { code: failure_code, message: failure_message ?? "" },
      };
    },
    async returned(token, method, query) {
      const parameter = channelOf(services, method)?.returnParameter;
      if (parameter === undefined || query[parameter] === undefined) return;
      const payment = await find(services, token);
      const attempt = payment && (await findShownAttempt(services, payment));
      if (!attempt || attempt.method !== method || !isOpenAttempt(attempt)) return;
      const now = services.clock.now();
      if (now - (asked.get(attempt.id) ?? 0) < RETURNED_AGAIN_MS) return;
      asked.set(attempt.id, now);
      await hurryAttempt(services.db, attempt, now);
      services.kick.attempts();
    },
    async authorizeUrl(token, method, redirect_url, state) {
      const { channel, account } = await openFor(services, token, method);
      if (!needsIdentity(channel, method)) return undefined;
      return channel.identity?.authorizeUrl(account, redirect_url, state);
    },
    codeParameter(method) {
      return channelOf(services, method)?.identity?.codeParameter ?? "code";
    },
    async identify(token, method, code) {
      const { channel, account } = await openFor(services, token, method);
      const identified = await services.channels.identify(channel, account, code);
      if (identified.kind === "identified") return { [channel.identity!.field]: identified.payer };
      const reason = identified.kind === "failed" ? identified.failure.message : identified.reason;
      throw paymentErrors["payment.identity_refused"]({ values: { reason } });
    },
  };
}

function channelOf(services: PaymentServices, method: Method): Channel | undefined {
  return services.getChannel(method.slice(0, method.indexOf(".")));
}

async function find(services: PaymentServices, token: string): Promise<Payment | undefined> {
  const key = decodeCashierToken(token);
  return key && (await loadPayments(services.db, [key])).get(key.id);
}

async function mustFind(services: PaymentServices, token: string): Promise<Payment> {
  const payment = await find(services, token);
  if (!payment) throw paymentErrors["payment.not_found"]();
  return payment;
}

async function openFor(services: PaymentServices, token: string, method: Method) {
  const payment = await mustFind(services, token);
  const { account, decision } = await findRoute(services, payment, { method, payer: {} });
  if (!account) throw explainNoRoute(decision, method, payment.currency);
  return openChannel(services, { channel: account.channel, channel_account_id: account.id });
}

async function viewForPayer(services: PaymentServices, token: string, payment: Payment): Promise<CashierPayment> {
  const [attempt, methods, merchant_name] = await Promise.all([
    findShownAttempt(services, payment),
    offeredMethods(services, payment),
    services.merchantName(payment.merchant_id),
  ]);
  const running = attempt && isOpenPayment(payment) && isOpenAttempt(attempt) ? attempt : undefined;
  return {
    id: publicId("payment", payment.id),
    token,
    status: payment.status,
    amount: { amount: payment.amount, currency: payment.currency },
    subject: payment.subject,
    description: payment.description ?? undefined,
    merchant_name,
    livemode: payment.livemode,
    expires_at: payment.expires_at,
    return_url: payment.return_url ?? undefined,
    out_trade_no: payment.out_trade_no,
    methods,
    attempt: running && { method: running.method, action: running.action ?? { type: "none" } },
  };
}

function needsIdentity(channel: Channel, method: Method): boolean {
  return method.endsWith(".jsapi") && channel.identity !== undefined;
}

/** The methods by which some account of the merchant takes this payment now, in the contract's order. */
async function offeredMethods(services: PaymentServices, payment: Payment): Promise<Method[]> {
  const { merchant_id, livemode } = payment;
  const accounts = await services.accounts.listForMerchant({ merchant_id, livemode });
  const known = new Set(accounts.flatMap((account) => account.methods));
  const wanted = allMethods.filter(
    (method) => known.has(method) && (payment.method === null || payment.method === method),
  );
  const routes = await Promise.all(wanted.map((method) => findRoute(services, payment, { method, payer: {} })));
  return wanted.filter((_, index) => routes[index]!.account);
}
