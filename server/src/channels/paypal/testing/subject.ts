/** PayPal as the conformance suite sees it: its simulator, and where it rightly differs. */
import { startSandbox } from "../../../../../sandbox/main.ts";
import { Secret } from "../../../kit/secret.ts";
import { type ControlPlane, changeAccount, makeUuid, type NoticeReceiver } from "../../conformance/harness.ts";
import type { ConformanceSubject } from "../../conformance/index.ts";
import type { ChannelAccount, WireNotice } from "../../contract.ts";
import { paypal } from "../index.ts";

type Made = Record<string, string | undefined>;

function accountOf(made: Made, base_url: string): ChannelAccount {
  return {
    id: makeUuid(),
    version: 1,
    livemode: false,
    config: {
      client_id: made.client_id,
      merchant_id: made.merchant_id,
      webhook_id: made.webhook_id,
      webhook_root_certificate: made.root_certificate_pem,
      base_url,
    },
    secrets: { client_secret: new Secret(made.client_secret!) },
  };
}

async function provision(control: ControlPlane, receiver: NoticeReceiver) {
  const made = (await control.post("merchants", { channel: "paypal", webhook_url: `${receiver.url}/all` })) as Made;
  return { account: accountOf(made, control.url), merchant: made.client_id! };
}

interface Event {
  event_type: string;
  resource: { invoice_id?: string; purchase_units?: { invoice_id?: string }[] };
}

/** Payments by their number; what else PayPal tells of them, by its kind and their number. */
function numberOfNotice(notice: WireNotice): string | undefined {
  const { event_type, resource } = JSON.parse(notice.body.toString()) as Event;
  const number = resource.invoice_id ?? resource.purchase_units?.[0]?.invoice_id;
  return event_type === "PAYMENT.CAPTURE.COMPLETED" ? number : `${event_type}/${number}`;
}

export const untruths = ["wrong_amount", "wrong_currency", "wrong_number", "wrong_merchant"];

export const subject: ConformanceSubject = {
  title: "PayPal",
  channel: paypal,
  start: () => startSandbox({ port: 0 }),
  provision,
  numberOfNotice,
  renew: (account, rotated) =>
    changeAccount(account, { secrets: { client_secret: new Secret(String(rotated.client_secret)) } }),
  relocate: (account, url) => changeAccount(account, { config: { base_url: url } }),
  privateKeyField: "client_secret",
  makeStrangeKey: () => new Secret(`E${"x".repeat(79)}`),
  currency: "USD",
  method: "paypal.checkout",
  facts: {
    unseen: "pending",
    closedTwice: "closed",
    refunded: "succeeded",
    refundUnderWay: "pending",
    notEnoughCode: "REFUND_FAILED_INSUFFICIENT_FUNDS",
    troubles: {
      http_500: "http_status",
      system_error: "http_status",
      service_unavailable: "http_status",
      rate_limit: "rate_limited",
      html: "unreadable",
      empty: "unreadable",
    },
    untruths,
    refundUntruths: untruths,
    bills: {
      dayOf: (at_ms) => new Date(at_ms).toISOString().slice(0, 10),
      withinAnswer: true,
      refundWithoutOrder: true,
    },
    refundWithoutOrder: true,
    rotated: "refused",
    spoiltNotices: ["notice_tampered", "notice_bad_signature", "notice_rewritten"],
    certificateTravels: true,
    approvedFirst: true,
    lostWithoutNumber: true,
    closedByNeglect: true,
  },
};
