/** Answers of UnionPay's gateway: raw `k=v&k=v`, believed only when signed by a certificate that chains to the root. */
import type { ChannelContext, Unknown, WireResponse } from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { verifySha256 } from "../key-material.ts";
import { unknown } from "../refusal.ts";
import { openUnionpayAccount } from "./config.ts";
import { ACCEPTED, unknownCodes } from "./errors.ts";
import { parseRawForm } from "./raw-form.ts";
import { digestOf } from "./sign.ts";

export type Message = Readonly<Record<string, string>>;

/** An answer after its checks. */
export type UnionpayAnswer =
  | { readonly kind: "accepted"; readonly data: Message }
  | { readonly kind: "refused"; readonly code: string; readonly message: string }
  | Unknown;

/**
 * Reads the answer to a request about `order_id`, or about no order. An answer about another order, or to another
 * merchant, is an integrity error.
 */
export function readAnswer(
  context: ChannelContext,
  order_id: string | undefined,
  response: WireResponse,
): UnionpayAnswer {
  if (response.status === 429) return unknown("rate_limited", "status 429");
  if (response.status !== 200) return unknown("http_status", `status ${response.status}`);
  const data = parseRawForm(response.body.toString("utf8"));
  const code = data.respCode;
  if (!code) return unknown("unreadable", "the answer has no respCode");
  const problem = findSignatureProblem(context, data);
  if (problem) return unknown("bad_signature", problem);
  const differences = [
    ...differenceOf("orderId", order_id, data.orderId),
    ...differenceOf("merId", openUnionpayAccount(context.account).mer_id, data.merId),
  ];
  if (differences.length > 0) return unknown("integrity", differences.join("; "));
  if (code === ACCEPTED) return { kind: "accepted", data };
  const message = data.respMsg ?? "";
  if (Object.hasOwn(unknownCodes, code)) return unknown(unknownCodes[code]!, `${code} ${message}`);
  return { kind: "refused", code, message };
}

/** A sentence when a message is not UnionPay's, undefined when it is. Never throws. */
export function findSignatureProblem(context: ChannelContext, message: Message): string | undefined {
  const { signature, signPubKeyCert, signMethod } = message;
  if (!signature || !signPubKeyCert) return "the message is not signed";
  if (signMethod !== "01") return `the signMethod is ${signMethod ?? "missing"}`;
  if (!Object.entries(message).every(hasItsBorders)) return "a field of the message looks like several";
  try {
    const key = openUnionpayAccount(context.account).trust.keyOf(signPubKeyCert, context.clock.now());
    const good = verifySha256(key, Buffer.from(digestOf(message)), signature);
    return good ? undefined : "the signature does not match the message";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * The signature is over `k=v&k=v` without any encoding, so that it says nothing of where a field ends: who holds a signed
 * message (the payer's browser carries one) could move the borders. UnionPay writes what looks like a field only within
 * braces.
 */
function hasItsBorders([name, value]: [string, string]): boolean {
  return /^\w+$/.test(name) && (!/^\{|&\w+=/.test(value) || /^\{[^{}]*\}$/.test(value));
}
