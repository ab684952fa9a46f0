/**
 * What a channel is. A channel is a folder of pure transformers: it turns what we want into the channel's wire request
 * and the channel's wire response into one of the outcomes below. It never calls, waits, retries or stores anything:
 * `call.ts` does the calling. Its capabilities are the functions that exist.
 */
import type { TSchema } from "typebox";
import type { Clock } from "../kit/clock.ts";
import type { Money } from "../kit/money.ts";
import type { Random } from "../kit/random.ts";
import type { Secret } from "../kit/secret.ts";
import type { Bills } from "./contract/bill.ts";
import type { ConfigField, ConnectionOutcome, Expiry, KeyRenewal } from "./contract/configuration.ts";
import type { ChannelDispute } from "./contract/dispute.ts";
import type { CodeExchange, PayerIdentity } from "./contract/identity.ts";
import type { ChannelLimits } from "./contract/limits.ts";
import type { RedirectInput, RedirectOutcome } from "./contract/redirect.ts";
import type { Sharing, SharingPart } from "./contract/sharing.ts";
import type { Statements } from "./contract/statement.ts";
import type { Transfers } from "./contract/transfer.ts";
import type { ChannelFailure, Unknown } from "./contract/trouble.ts";

export type * from "./contract/bank.ts";
export type * from "./contract/bill.ts";
export type * from "./contract/configuration.ts";
export type * from "./contract/dispute.ts";
export type * from "./contract/identity.ts";
export type * from "./contract/limits.ts";
export type * from "./contract/redirect.ts";
export type * from "./contract/sharing.ts";
export type * from "./contract/statement.ts";
export type * from "./contract/transfer.ts";
export type * from "./contract/trouble.ts";

/** One try of a payer to pay by one way: channel, then how the payer meets it. */
export const methods = [
  "wechat.native",
  "wechat.jsapi",
  "wechat.h5",
  "wechat.mini",
  "wechat.app",
  "wechat.barcode",
  "alipay.qr",
  "alipay.wap",
  "alipay.page",
  "alipay.app",
  "alipay.jsapi",
  "alipay.barcode",
  "unionpay.qr",
  "unionpay.web",
  "unionpay.app",
  "unionpay.jsapi",
  "unionpay.barcode",
  "stripe.checkout",
  "bank.transfer",
  "paypal.checkout",
] as const;
export type Method = (typeof methods)[number];

/** What the payer's side has to do next. Shown to the merchant as it is. */
export type Action =
  /** Show `qr_code` as a QR code. */
  | { type: "qr_code"; qr_code: string }
  /** Send the payer's browser to `url`. */
  | { type: "redirect"; url: string }
  /** Hand `parameters` to the channel's JavaScript bridge in its own browser. */
  | { type: "jsapi"; parameters: Record<string, string> }
  /** Hand `parameters` to the channel's SDK inside the merchant's own app. */
  | { type: "app"; parameters: Record<string, string> }
  /** Hand `order_string` to the channel's SDK inside the merchant's own app, as it is. */
  | { type: "app"; order_string: string }
  /** Have the payer's browser post `fields` to `url` as a form; the channel posts the browser back to `return_url`. */
  | { type: "form"; url: string; fields: Record<string, string> }
  /** Show the payer where to transfer `amount` (in major units) to, and that `reference` must be written into it. */
  | {
      type: "bank_transfer";
      bank_name: string;
      /** SWIFT/BIC, or the bank's number in its own country. */
      bank_code?: string;
      account_name: string;
      account_number: string;
      reference: string;
      amount: string;
      currency: string;
    }
  | { type: "none" };

/** A channel account, opened: `config` satisfies the channel's schema, `secrets` its secret fields. */
export interface ChannelAccount {
  /** UUID of the account; keys caches of parsed keys together with `version`. */
  readonly id: string;
  /** Rises with every change of config or secrets. */
  readonly version: number;
  readonly livemode: boolean;
  readonly config: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, Secret>>;
  /**
   * Versions that were replaced a short time ago, the newest first. What their keys verify is still believed (`call.ts`);
   * nothing is signed or sent with them.
   */
  readonly previous?: readonly ChannelAccount[];
}

/** What a transformer may use besides its input. */
export interface ChannelContext {
  readonly account: ChannelAccount;
  readonly clock: Clock;
  readonly random: Random;
}

/** A wire request, complete and signed. `url` is absolute. */
export interface WireRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Shown when the connection is made, where the channel asks who connects (mutual TLS). Means nothing over http. */
  readonly client_certificate?: ClientCertificate;
}

/** Both in PEM. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly private_key: string;
}

/** A wire response. Header names are lower case; the body is the raw bytes as they came. */
export interface WireResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/**
 * Facts about one payment as the channel states them. `serial_no`, `amount` and `merchant` are the channel's *echo*, to
 * be compared with what we asked (`integrity.ts`), never filled in from our own records.
 */
export interface ChannelPayment {
  /** Our number of the attempt, as echoed. */
  readonly serial_no: string;
  readonly channel_trade_no: string;
  readonly amount: Money;
  /** The channel's number of the receiving merchant, as echoed (mchid, seller_id); undefined where it echoes none. */
  readonly merchant: string | undefined;
  /** The channel's number of the application, as echoed (appid, app_id); undefined where it echoes none. */
  readonly app: string | undefined;
  /** Epoch milliseconds. */
  readonly paid_at: number;
  /** The payer as the channel names them (openid, buyer_id). Personal data: never logged. */
  readonly payer: string | undefined;
}

export type PayOutcome =
  /** The channel took the order; the payer acts next. */
  | {
      readonly kind: "pending";
      readonly action: Action;
      /** The channel's number of the order, where it is asked by that: kept, and given back in `AttemptReference`. */
      readonly channel_order_no?: string;
    }
  | { readonly kind: "succeeded"; readonly payment: ChannelPayment }
  /** The channel refused, explicitly: no money will move. */
  | { readonly kind: "failed"; readonly failure: ChannelFailure }
  | Unknown;

export type QueryOutcome =
  | { readonly kind: "succeeded"; readonly payment: ChannelPayment }
  /** The channel has the order and nobody has paid it yet. `channel_order_no`: as in `PayOutcome`, where it was not known. */
  | { readonly kind: "pending"; readonly channel_order_no?: string }
  /** The order is closed at the channel and was not paid. */
  | { readonly kind: "closed" }
  | { readonly kind: "failed"; readonly failure: ChannelFailure }
  /** The channel does not have the order (for an unscanned Alipay QR this is the normal unpaid answer). */
  | { readonly kind: "not_found" }
  | Unknown;

export type CloseOutcome =
  | { readonly kind: "closed" }
  /**
   * Too late: the order is no longer open, as a rule because the payer has paid. Ask for the payment and let it succeed.
   * Alipay has one code for "paid" and "closed before", so that the query may also answer `closed`.
   */
  | { readonly kind: "already_paid" }
  /** The channel does not have the order (yet). */
  | { readonly kind: "not_found" }
  | { readonly kind: "failed"; readonly failure: ChannelFailure }
  | Unknown;

/** Facts about one refund as the channel states them; echoes as in `ChannelPayment`. */
export interface ChannelRefund {
  /** Our number of the refund, as echoed; undefined where the channel echoes none. */
  readonly refund_no: string | undefined;
  readonly serial_no: string | undefined;
  readonly channel_refund_no: string | undefined;
  /** The refunded amount of this refund alone, as echoed; undefined where the channel echoes only a running total. */
  readonly amount: Money | undefined;
  /** Epoch milliseconds. */
  readonly refunded_at: number;
}

export type RefundOutcome =
  | { readonly kind: "succeeded"; readonly refund: ChannelRefund }
  /** Taken by the channel; the result comes later. `detail` says when it waits for a person (WeChat's ABNORMAL). */
  | { readonly kind: "pending"; readonly detail?: string }
  | { readonly kind: "failed"; readonly failure: ChannelFailure }
  /** Only in answer to a query: the channel does not have this refund. */
  | { readonly kind: "not_found" }
  | Unknown;

/** Identifies one attempt towards its channel. */
export interface AttemptReference {
  readonly serial_no: string;
  readonly method: Method;
  readonly amount: Money;
  readonly channel_trade_no?: string | undefined;
  /**
   * The channel's number of the order (Stripe's session, PayPal's order), as `pending` gave it. Undefined when the answer
   * of the call that made the order was lost: then only `serial_no` can find it.
   */
  readonly channel_order_no?: string | undefined;
  /** The attempt must end: an order that only waits for us to take the payer's money (PayPal's) is left as it is. */
  readonly ending?: boolean;
  /** Epoch milliseconds at which the attempt was created. */
  readonly created_at: number;
}

export interface PayInput extends AttemptReference {
  readonly subject: string;
  readonly description?: string | undefined;
  /** Absolute, without a query string. */
  readonly notify_url: string;
  /**
   * Opaque, 36 characters: whose order it is. A channel that sends all notices of an account to one address lets the order
   * carry it, and its notices give it back (`NoticeResult`).
   */
  readonly owner?: string;
  readonly return_url?: string | undefined;
  /** Epoch milliseconds after which the channel must no longer let the payer pay. */
  readonly expires_at: number;
  /** Holds the money back at the channel so that it can be shared (分账). */
  readonly sharing?: boolean;
  readonly payer: {
    readonly openid?: string;
    readonly buyer_id?: string;
    readonly user_id?: string;
    readonly ip?: string;
    /** The digits of the payment code that the payer shows. Pays once, within a minute: never logged. */
    readonly auth_code?: string;
  };
}

export interface RefundInput {
  readonly attempt: AttemptReference & { readonly channel_trade_no: string };
  /** Our number of the refund: 26 alphanumerics, never changed between tries. */
  readonly refund_no: string;
  readonly amount: Money;
  /** Epoch milliseconds at which the refund was created. */
  readonly created_at: number;
  readonly reason?: string | undefined;
  readonly notify_url: string;
  /** As in `PayInput`. */
  readonly owner?: string;
  /** Parts that receivers give back with this refund, where the channel takes them so. */
  readonly shared?: readonly SharingPart[];
}

/**
 * Turns an input into a signed wire request, and the wire response into an outcome. `toRequest` throws `RequestRefused`
 * (`refusal.ts`) for an input that the channel could never take, and any error for an account that cannot sign.
 * `fromResponse` never throws.
 */
export interface Operation<Input, Outcome> {
  toRequest(context: ChannelContext, input: Input): Promise<WireRequest>;
  fromResponse(context: ChannelContext, input: Input, response: WireResponse): Outcome | Promise<Outcome>;
}

/**
 * One or several exchanges that the channel's own SDK makes: `send` is its only way out, and answers what came or throws
 * when nothing usable did. The caller then tells the reason by itself: such an error is let through, as is `RequestRefused`.
 */
export interface Conversation<Input, Outcome> {
  converse(context: ChannelContext, input: Input, send: Send): Promise<Outcome>;
}

export type Send = (request: WireRequest) => Promise<WireResponse>;

export type ChannelOperation<Input, Outcome> = Operation<Input, Outcome> | Conversation<Input, Outcome>;

/** A payment that is signed locally, without a call: the payer's browser carries the order to the channel. */
export interface LocalOperation<Input, Outcome> {
  perform(context: ChannelContext, input: Input): Promise<Outcome>;
}

/** A notice as it arrived: exact bytes. Header names are lower case. */
export interface WireNotice {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** Whose order a notice is about, as the order carried it (`PayInput`); undefined where the address tells. */
interface OwnedNotice {
  readonly owner?: string | undefined;
}

export type NoticeResult =
  /** Signature good; the payer paid. */
  | ({ readonly kind: "payment_succeeded"; readonly payment: ChannelPayment } & OwnedNotice)
  /** Signature good; a refund ended. */
  | ({ readonly kind: "refund"; readonly refund: ChannelRefund; readonly outcome: RefundOutcome } & OwnedNotice)
  /** Signature good; something happened to this order: ask the channel for it now. */
  | ({ readonly kind: "ask"; readonly serial_no: string } & OwnedNotice)
  /** Signature good; something happened to this transfer of ours: ask the channel for it now. */
  | ({ readonly kind: "ask_transfer"; readonly transfer_no: string } & OwnedNotice)
  /** Signature good; a dispute began, moved or ended. */
  | ({ readonly kind: "dispute"; readonly dispute: ChannelDispute } & OwnedNotice)
  /** Signature good; nothing for us in it. Acknowledged. */
  | { readonly kind: "ignored"; readonly detail: string }
  /** Signature, time or form not good. Not acknowledged; changes nothing. */
  | { readonly kind: "rejected"; readonly detail: string };

export interface NoticeReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Channel {
  readonly id: string;
  readonly label: { readonly zh: string; readonly en: string };
  /** Currencies in which it can be asked to collect. */
  readonly currencies: readonly string[];
  /** JSON schema of `config`. */
  readonly configSchema: TSchema;
  /** Every field of an account, of `config` and of `secrets`, in the order of a form. */
  readonly fields: readonly ConfigField[];
  /** What of an account stops being good, and when. */
  readonly expiries: (account: ChannelAccount) => Expiry[];
  /** Loads what the first call would otherwise wait for, and everything else in the process with it (an SDK). */
  readonly prepare?: () => Promise<void>;
  /** How keys of the channel that an account holds are kept new, where the channel replaces them by itself. */
  readonly keyRenewal?: KeyRenewal;
  /** Asks the channel for something harmless, so that every credential that a payment needs is tried. */
  readonly checkConnection: ChannelOperation<Record<string, never>, ConnectionOutcome>;
  /** Sentences about what is wrong with an account (a key that does not parse, a pair that does not match); empty when good. */
  checkAccount(account: ChannelAccount, clock: Clock): string[];
  /** The identities that an echoed merchant and app must equal; the app may depend on the method. */
  identify(account: ChannelAccount, method: Method): { merchant: string | undefined; app: string | undefined };
  readonly pay: Partial<Record<Method, ChannelOperation<PayInput, PayOutcome> | LocalOperation<PayInput, PayOutcome>>>;
  readonly query: ChannelOperation<AttemptReference, QueryOutcome>;
  readonly close?: ChannelOperation<AttemptReference, CloseOutcome>;
  /** Ends the order whatever its state; paid money goes back. */
  readonly cancel?: ChannelOperation<AttemptReference, CloseOutcome>;
  /** For the method that ends in `.barcode`, where the channel has it. */
  readonly barcode?: BarcodeRules;
  readonly refund: ChannelOperation<RefundInput, RefundOutcome>;
  readonly queryRefund: ChannelOperation<RefundInput, RefundOutcome>;
  /** Sends a refund that waits for a person (`pending` with a `detail`) another way, where the channel can. */
  readonly redirectRefund?: ChannelOperation<RedirectInput, RedirectOutcome>;
  /** Verifies and reads a notice. Never throws. `send` fetches what verifying needs, such as the signer's certificate. */
  readNotice(context: ChannelContext, notice: WireNotice, send?: Send): Promise<NoticeResult>;
  /** What to answer: the channel sends again after anything but an acknowledgement. */
  replyToNotice(accepted: boolean): NoticeReply;
  /** The query parameter with which its page leads a payer back who has done their part: the order is asked about at once. */
  readonly returnParameter?: string;
  /** OAuth for the payer's identity inside the channel's own browser, where the channel has one. */
  readonly identity?: PayerIdentity;
  /** For the method that ends in `.mini`: the code that a mini program's login gives, where the channel has it. */
  readonly miniIdentity?: CodeExchange;
  /** Where a person confirms what happened, because no machine of the channel tells. */
  readonly statements?: Statements;
  readonly sharing?: Sharing;
  readonly transfers?: Transfers;
  readonly bills?: Bills;
  readonly limits: ChannelLimits;
}

/**
 * How an order that the merchant made by scanning the payer's code goes on while its outcome is pending or unknown: no
 * notice tells of it, it cannot be closed, and its payer stands at the counter. Times in milliseconds.
 */
export interface BarcodeRules {
  readonly query_interval_ms: number;
  /** Since the order's creation; then it is cancelled. */
  readonly query_for_ms: number;
  /** Since the order's creation; it is never cancelled sooner, and the call that pays must be over by then. */
  readonly cancel_after_ms: number;
  /** Ends the order whatever its state; paid money goes back. */
  readonly cancel: Operation<AttemptReference, CloseOutcome>;
}
