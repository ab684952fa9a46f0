/** What a channel refuses, and what is not known. */

/** `code` is the channel's own code, `message` its own words; both are kept with the attempt and shown to the merchant. */
export interface ChannelFailure {
  readonly code: string;
  readonly message: string;
  /** The refusal lies with the channel or this account of it, not with the order or its payer: another account may take it. */
  readonly elsewhere?: true;
}

/** Why an outcome is not known. It is resolved by asking the channel. */
export type UnknownReason =
  | "timeout"
  | "connection"
  | "http_status"
  | "bad_signature"
  | "unreadable"
  | "system_error"
  | "rate_limited"
  /** The answer is good, but what it echoes is not what was asked. */
  | "integrity"
  /** The channel already has this number, with other particulars or in a later state: only a query tells which. */
  | "duplicate"
  /** The channel refused the call without saying anything certain about the order (signature, permission, a new code). */
  | "refused"
  /** The request could not even be made (a key that does not parse): this call sent nothing; an earlier one may have. */
  | "not_sent";

export interface Unknown {
  readonly kind: "unknown";
  readonly reason: UnknownReason;
  /** For operators; never the payer's data. */
  readonly detail: string;
  /** With `not_sent`: our own limits kept this call back (`guard.ts`); it says nothing of an earlier one. */
  readonly held_back?: "breaker" | "bulkhead";
}
