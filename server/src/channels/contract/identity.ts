/** Who the payer is, by codes of the channel. */
import type { ChannelAccount, ChannelFailure, Operation, Unknown } from "../contract.ts";

/** Exchanges a code that the channel gave the payer's side for the payer's identity. */
export interface CodeExchange {
  /** Which payer field it yields. */
  readonly field: "openid" | "buyer_id" | "user_id";
  readonly exchange: Operation<{ readonly code: string }, IdentityOutcome>;
}

export interface PayerIdentity extends CodeExchange {
  /** Where to send the payer's browser so that it comes back to `redirect_url` with a code. */
  authorizeUrl(account: ChannelAccount, redirect_url: string, state: string): string;
  /** The query parameter of the returning request that carries the code. */
  readonly codeParameter: string;
}

export type IdentityOutcome =
  | { readonly kind: "identified"; readonly payer: string }
  | { readonly kind: "failed"; readonly failure: ChannelFailure }
  | Unknown;
