/** What the cashier's pages show: plain data, made by the server and rendered by pure functions. */

export type Language = "zh" | "en";

/** Who moves the money, as the payer knows them. */
export type Wallet = "wechat" | "alipay" | "unionpay" | "bank" | "stripe" | "paypal";

/** One way to pay that the payer may choose here. `method` is what the form sends back. */
export interface Choice {
  readonly method: string;
  readonly wallet: Wallet;
  /** How it goes on: in the wallet's app, on its page in this browser, by scanning a code, or by the payer's own transfer. */
  readonly by: "app" | "page" | "code" | "transfer";
  /** Where a plain link does it: inside a wallet, which a form's redirect may not leave for its own login. */
  readonly href: string | undefined;
}

/** A payment as the top of every page shows it. Texts are the merchant's own and in no known language. */
export interface Summary {
  readonly merchant_name: string;
  readonly subject: string;
  readonly description: string | undefined;
  readonly out_trade_no: string;
  readonly amount: AmountText;
}

/** An amount, formatted for the page's language. `symbol`, `digits` and `code` are shown, `spoken` is read aloud. */
export interface AmountText {
  readonly symbol: string;
  readonly digits: string;
  /** The ISO 4217 code, where the symbol alone does not tell the currency apart. */
  readonly code: string | undefined;
  readonly spoken: string;
}

/** A QR code as an SVG path over a square of `size` modules, quiet zone included. */
export interface QrImage {
  readonly size: number;
  readonly path: string;
}

/** The way back to the merchant: an address made from the payment's own `return_url`. */
export interface ReturnLink {
  readonly url: string;
}

/** Why an attempt did not go through: the channel's own words where it gave any. */
export type Refusal =
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  /** The channel or we could not take it now; nothing happened. */
  | { readonly kind: "unavailable"; readonly request_id: string }
  /** The wallet did not tell who the payer is, or the answer was not for this browser. */
  | { readonly kind: "unidentified" };

/** Why there is no way to pay on this device. */
export type Obstacle =
  | "no_methods"
  | "use_wechat"
  | "use_alipay"
  | "use_unionpay"
  | "use_phone"
  | "use_computer"
  | "use_browser";

export type FormFields = Readonly<Record<string, string>>;

/** Where the payer transfers to. Each is copied as it stands, `amount` in major units. */
export interface TransferDetails {
  readonly bank_name: string;
  readonly bank_code: string | undefined;
  readonly account_name: string;
  readonly account_number: string;
  readonly reference: string;
  readonly amount: string;
  readonly currency: string;
}

/** The part of the page that changes with the payment's state and the payer's device. */
export type Scene =
  /** One code that every named wallet scans, and what can be paid in this browser instead. */
  | {
      kind: "scan";
      qr: QrImage;
      wallets: readonly Wallet[];
      scanned_by: Wallet | undefined;
      choices: readonly Choice[];
    }
  | { kind: "choose"; choices: readonly Choice[] }
  /** Inside WeChat: the parameters for its bridge, as JSON. */
  | { kind: "bridge"; parameters: string; script_url: string | undefined }
  /** On the way to the wallet's own page: by a link, or by a form where it wants its fields posted. */
  | { kind: "handoff"; wallet: Wallet; url: string; fields: FormFields | undefined }
  /** A bank account to transfer to. `days` to do so, where there is more than one; `other_url` offers other ways. */
  | { kind: "transfer"; details: TransferDetails; days: number | undefined; other_url: string | undefined }
  /** Somebody may have paid; the channel has not said so yet. `resume_url` goes on with the attempt under way. */
  | { kind: "confirming"; resume_url: string | undefined; other_url: string | undefined }
  | { kind: "succeeded"; back: ReturnLink | undefined }
  | { kind: "closed"; back: ReturnLink | undefined }
  | { kind: "expired"; back: ReturnLink | undefined }
  | { kind: "failed"; back: ReturnLink | undefined }
  | { kind: "impossible"; obstacle: Obstacle; address: string; back: ReturnLink | undefined }
  | { kind: "refused"; refusal: Refusal; choices: readonly Choice[] };

/** How the page learns of changes. Its script asks `status_url` until the answer's `revision` differs. */
export interface Live {
  readonly status_url: string;
  readonly revision: string;
  /** The page of this state, safe to fetch again: it starts nothing. */
  readonly view_url: string;
}

export interface Frame {
  readonly language: Language;
  readonly livemode: boolean;
  readonly stylesheet_url: string;
  readonly script_url: string;
  /** This page in each language. */
  readonly language_urls: Readonly<Record<Language, string>>;
}

export interface PaymentView {
  readonly frame: Frame;
  readonly summary: Summary;
  readonly scene: Scene;
  /** The form's address for choosing a way to pay. */
  readonly attempts_url: string;
  readonly live: Live | undefined;
  /** Milliseconds left to pay, when that is worth showing. */
  readonly remaining_ms: number | undefined;
}

/** A page without a payment: nothing here, or something is wrong with us. */
export interface MessageView {
  readonly frame: Frame;
  readonly message: "not_found" | "error" | "busy" | "forbidden";
  readonly request_id: string | undefined;
  readonly retry_url: string | undefined;
}
