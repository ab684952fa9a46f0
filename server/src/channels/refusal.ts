import type { ChannelFailure, Unknown, UnknownReason } from "./contract.ts";

/** Thrown by `toRequest` for an input that the channel could never take: nothing was sent, now or before. */
export class RequestRefused extends Error {
  override readonly name = "RequestRefused";
  readonly code: string;
  readonly elsewhere: boolean;

  /** @param options.elsewhere the account lacks something: another account may take the input. */
  constructor(code: string, message: string, options: { elsewhere?: boolean } = {}) {
    super(message);
    this.code = code;
    this.elsewhere = options.elsewhere ?? false;
  }
}

/** What a channel's refusal tells about the order: an end that it states, or only that a query must tell. */
export type RefusalMeaning =
  | "failed"
  /** Failed for a reason of the channel's or this account's own: another account may take the order. */
  | "failed_here"
  | "not_found"
  | "closed"
  | "already_paid"
  | "duplicate"
  | "system_error"
  | "refused";

/** What the codes of one operation mean. A code that is not listed means nothing certain. */
export type RefusalTable<Meaning extends RefusalMeaning> = Readonly<Record<string, Meaning>>;

type OutcomeOfMeaning<Meaning extends RefusalMeaning> =
  | Unknown
  | (Meaning extends "failed" | "failed_here" ? { readonly kind: "failed"; readonly failure: ChannelFailure } : never)
  | (Meaning extends "not_found" | "closed" | "already_paid" ? { readonly kind: Meaning } : never);

/**
 * The outcome of a refusal by the operation's table. A code outside the table is unknown, never failed: only an explicit
 * answer that we understand ends a payment.
 * @param lookup the code in the table's spelling, where it differs from the code that is shown.
 */
export function interpretRefusal<Meaning extends RefusalMeaning>(
  table: RefusalTable<Meaning>,
  failure: ChannelFailure,
  lookup: string = failure.code,
): OutcomeOfMeaning<Meaning> {
  const meaning: RefusalMeaning = Object.hasOwn(table, lookup) ? table[lookup]! : "refused";
  switch (meaning) {
    case "failed":
      return { kind: "failed", failure } as OutcomeOfMeaning<Meaning>;
    case "failed_here":
      return { kind: "failed", failure: { ...failure, elsewhere: true } } as OutcomeOfMeaning<Meaning>;
    case "not_found":
    case "closed":
    case "already_paid":
      return { kind: meaning } as OutcomeOfMeaning<Meaning>;
    case "duplicate":
    case "system_error":
    case "refused":
      return unknown(meaning, `${failure.code}: ${failure.message}`);
  }
}

/** An outcome that is not known. The detail is for operators, and is cut: a channel may answer at length. */
export function unknown(reason: UnknownReason, detail: string): Unknown {
  return { kind: "unknown", reason, detail: detail.slice(0, 500) };
}
