/** How a channel account is configured: what a form shows, what expires, and how the connection is checked. */
import type { ChannelFailure, ChannelOperation, Unknown } from "../contract.ts";

interface Text {
  readonly zh: string;
  readonly en: string;
}

/** One field of an account, of `config` or, when it is secret, of `secrets`. */
export interface ConfigField {
  readonly name: string;
  readonly label: Text;
  /** Where the value is found at the channel, or what leaving it out means. */
  readonly hint?: Text;
  readonly secret: boolean;
  readonly required: boolean;
  /**
   * `file`: the contents of a file such as a certificate or key, in PEM; `files`: an array of such texts. `list`: an array
   * of objects with `items`.
   */
  readonly input?: "text" | "file" | "files" | "choice" | "list" | "address";
  readonly choices?: readonly { readonly value: string; readonly label: Text }[];
  readonly items?: readonly ConfigField[];
}

/** A key or certificate of an account that stops being good. */
export interface Expiry {
  /** The field, and the certificate's serial where the field holds several. */
  readonly name: string;
  readonly label: Text;
  /** Epoch milliseconds. */
  readonly expires_at: number;
}

export type ConnectionOutcome =
  /** The channel answered, its signature was good, and it knows the account. */
  | { readonly kind: "connected" }
  /** The channel refused the account: which credential, in its own words. */
  | { readonly kind: "failed"; readonly failure: ChannelFailure }
  | Unknown;

/** Keys of the channel's own, which it replaces from time to time and gives to whoever asks. */
export interface KeyRenewal {
  /** How often it asks to be looked for them, in milliseconds. */
  readonly every_ms: number;
  readonly fetch: ChannelOperation<Record<string, never>, RenewalOutcome>;
}

export type RenewalOutcome =
  /** The account holds all keys in force, or none of this kind. */
  | { readonly kind: "unchanged" }
  /** The whole config with the keys in force added to those that still verify. */
  | { readonly kind: "renewed"; readonly config: Readonly<Record<string, unknown>> }
  | { readonly kind: "failed"; readonly failure: ChannelFailure }
  | Unknown;
