/** What the cashier needs of the payment module. The composition root gives it; tests of the pages give their own. */
import type { Action, Method } from "../../channels/contract.ts";
import type { Money } from "../../kit/money.ts";

/** A payment as its payer may see it. Nothing here identifies another payer or a credential. */
export interface CashierPayment {
  /** `pay_…`: told to the merchant's page when the payer returns. */
  readonly id: string;
  /** The opaque part of the cashier's address. */
  readonly token: string;
  readonly status: "created" | "processing" | "succeeded" | "closed" | "failed";
  readonly amount: Money;
  readonly subject: string;
  readonly description: string | undefined;
  readonly merchant_name: string;
  readonly livemode: boolean;
  /** Epoch milliseconds. */
  readonly expires_at: number;
  readonly return_url: string | undefined;
  readonly out_trade_no: string;
  /** Methods that this merchant can collect this amount by, in the order to show them. */
  readonly methods: readonly Method[];
  /** The attempt under way, if any. */
  readonly attempt: { readonly method: Method; readonly action: Action } | undefined;
}

/** Who the payer is to the channel, under the field of the channel that told it. */
export interface PayerIdentity {
  readonly openid?: string;
  readonly buyer_id?: string;
  readonly user_id?: string;
}

export interface CashierService {
  /** The payment of a cashier address, or undefined when there is none. */
  load(token: string): Promise<CashierPayment | undefined>;
  /** Starts (or, within 15 s, continues) an attempt. Throws errors of the payment catalogue. */
  start(
    token: string,
    method: Method,
    payer: PayerIdentity & { ip?: string },
    /** Where the channel sends the payer's browser afterwards: the cashier's own address. */
    return_url: string,
  ): Promise<{
    status: CashierPayment["status"];
    action: Action;
    /** Why the channel refused, in its own words; undefined unless it did. */
    failure: { code: string; message: string } | undefined;
  }>;
  /**
   * The payer came back from the page of the attempt under way, with this query: where it says that their part is done, the
   * channel is asked at once rather than when its notice comes.
   */
  returned(token: string, method: Method, query: Readonly<Record<string, string | undefined>>): Promise<void>;
  /** Where to send the payer's browser so that the channel tells who they are; undefined when it is not needed. */
  authorizeUrl(token: string, method: Method, redirect_url: string, state: string): Promise<string | undefined>;
  /** The query parameter with which the browser comes back (`code`, `auth_code`). */
  codeParameter(method: Method): string;
  /** Exchanges the code for the payer's identity, to be passed to `start`. Throws a catalogue error when refused. */
  identify(token: string, method: Method, code: string): Promise<PayerIdentity>;
}
