/** What is tested of channels outside the suite, and what cannot be tested of them. Pure data. */
import type { Cell } from "./coverage-cells.ts";

export interface OwnTest {
  /** Relative to `server/src/channels`. */
  readonly file: string;
  /** A part of its title as it stands in the file. */
  readonly title: string;
  readonly cells: readonly Cell[];
}

const of = (file: string, tests: Readonly<Record<string, readonly Cell[]>>): OwnTest[] =>
  Object.entries(tests).map(([title, cells]) => ({ file, title, cells }));

/** By channel. */
export const ownTests: Readonly<Record<string, readonly OwnTest[]>> = {
  wechat: [
    ...of("wechat/sharing.test.ts", {
      "is pending until each receiver has got its part": [
        ...(["sharing success", "sharing pending", "sharing idempotent_repeat"] as const),
      ],
      "tells which part failed and why": ["sharing explicit_failure"],
      "does not know whether it was shared while the payment": ["sharing not_found"],
      "does not know after %s (%s); asking says %s": ["sharing unknown_before", "sharing unknown_after"],
      "calls a well-signed %s an integrity error": ["sharing integrity_amount", "sharing integrity_number"],
      "never writes a name or an openid into the log": ["sharing secrecy"],
    }),
    ...of("wechat/transfer.test.ts", {
      "waits for its person with a package": ["transfers success", "transfers pending"],
      "fails with WeChat Pay's reason": ["transfers explicit_failure"],
      "tells a refusal from a number that was used": ["transfers conflicting_repeat", "transfers idempotent_repeat"],
      "does not know after %s (%s); asking says %s": [
        ...(["transfers unknown_before", "transfers unknown_after", "transfers not_found"] as const),
      ],
      "never writes the name or the openid": ["transfers secrecy"],
    }),
    ...of("wechat/bill.test.ts", {
      "does not exist on a day without trades": ["bills not_found"],
      "is fetched whole, from ten o'clock of the next day on": ["bills success", "bills pending"],
      "shows the movements of a direct merchant's money": ["bills success"],
      "does not know after %s (%s)": ["bills unreadable"],
      "follows no address that is not the channel's, and believes no other hash": [
        ...(["bills hostile_peer", "bills tampered"] as const),
      ],
    }),
  ],
  alipay: [
    ...of("alipay/sharing.test.ts", {
      "tells of each part by itself": ["sharing success"],
      "is pending as long as one part is": ["sharing pending"],
      "shares nothing twice, also when the first answer": ["sharing idempotent_repeat", "sharing unknown_after"],
      "does not find what was never taken": ["sharing not_found"],
      "fails when it is more than may be shared": ["sharing explicit_failure"],
      "does not know after %s": ["sharing unknown_before"],
    }),
    ...of("alipay/transfer.test.ts", {
      "is made once, also when the first answer was lost": [
        ...(["transfers success", "transfers idempotent_repeat", "transfers unknown_after"] as const),
      ],
      "is not found when it was never taken": ["transfers not_found"],
      "under way is pending until it succeeds or fails": ["transfers pending", "transfers explicit_failure"],
      "is not known after %s": ["transfers unknown_before"],
      "is not believed with another amount": ["transfers integrity_amount"],
    }),
    ...of("alipay/bill.test.ts", {
      "is not ready until nine o'clock": ["bills success", "bills pending"],
      "shows what Alipay shows, however wrong": ["bills tampered"],
      "is empty when there is still none": ["bills not_found"],
      "is not known after %s": ["bills unreadable"],
    }),
  ],
  unionpay: of("unionpay/bill.test.ts", {
    "is not ready until nine o'clock": ["bills success", "bills pending"],
    "shows what the channel shows, however wrong": ["bills tampered"],
    "is empty when there is still none": ["bills not_found"],
    "is not known, and no empty day": ["bills unreadable"],
    "of a file server that is somebody else": ["bills hostile_peer"],
  }),
  stripe: [
    ...of("stripe/stripe.conformance.test.ts", {
      "tells of a dispute with our number": ["disputes success"],
      "has nothing to say about sessions, refunds and disputes of others": ["disputes stranger", "notice stranger"],
    }),
    ...of("stripe/bill.test.ts", {
      "is no bill before it is over in UTC": ["bills pending"],
      "is asked for by its seconds, page after page": ["bills success", "bills tampered"],
      "without transactions is empty": ["bills not_found", "bills explicit_failure"],
    }),
  ],
  paypal: [
    ...of("paypal/bill.test.ts", {
      "is no bill until PayPal knows all of it": ["bills pending", "bills not_found"],
      "is asked for in shorter spans": ["bills success"],
    }),
    ...of("paypal/captures.test.ts", {
      "take no money of an attempt that must end": ["close success"],
      "that were taken all the same are not closed": ["close race"],
      "are closed again and again": ["close idempotent_repeat"],
      "are not closed by an answer with %s (%s)": ["close server_error", "close rate_limit", "close unreadable"],
      "that a payer approves while they are closed": ["close race"],
    }),
    ...of("paypal/paypal.conformance.test.ts", {
      "tell of a dispute, and after %s": ["disputes success"],
    }),
    ...of("paypal/notice.test.ts", {
      "is refused when it is another's or incomplete": ["disputes stranger", "notice stranger"],
    }),
  ],
  bank: [
    ...of("../modules/bank-transfer/bank-transfer.test.ts", {
      "is shown, waits and is confirmed by its reference": [
        ...(["pay success", "pay pending", "notice success"] as const),
      ],
      "is confirmed once, however often": ["notice duplicate", "notice race"],
      "takes the exact amount only": ["notice integrity_amount", "notice integrity_currency"],
      "a bank's number confirms one payment": ["notice conflicting_repeat", "notice integrity_number"],
      "is refused in a statement that the account's key did not sign": [
        ...(["notice integrity_merchant", "notice stranger"] as const),
      ],
      "succeeds late all the same": ["notice late"],
      "waits until it was sent, or could not be": ["refund success", "refund pending", "refund explicit_failure"],
      "is not sent twice under one number of the bank's": ["refund idempotent_repeat", "refund race"],
    }),
    ...of("bank-transfer/bank-transfer.test.ts", {
      "shows the same account and reference when it is asked for again": [
        "pay idempotent_repeat",
        "pay explicit_failure",
      ],
      "names the field at fault": ["account success", "account explicit_failure", "account secrecy"],
      "any one byte is changed": ["notice tampered", "notice unreadable"],
      "of a key that was replaced": ["notice key_rotation"],
    }),
    ...of("../modules/channel-account/connection.test.ts", {
      "every channel describes each field of its accounts": ["account described"],
    }),
  ],
};

/** Cells that a channel cannot have, and why. */
export const absent: Readonly<Record<string, Readonly<Partial<Record<Cell, string>>>>> = {
  alipay: { "query integrity_merchant": "Alipay's answer to a query names no merchant; its notice does." },
  stripe: {
    "bills bad_signature": "Stripe signs events, not answers: TLS and the secret key vouch for them.",
    "query integrity_merchant": "A Checkout Session names no account: the secret key reaches one account only.",
    "notice integrity_merchant": "An event of another account is signed with another secret, and refused for that.",
  },
  paypal: { "bills bad_signature": "PayPal signs webhooks, not answers: TLS vouches for them." },
};
