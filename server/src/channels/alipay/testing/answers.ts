/** Answers of Alipay that a test makes up, signed with a key of the test, and an account that trusts it. */
import { createManualClock } from "../../../kit/clock.ts";
import { systemRandom } from "../../../kit/random.ts";
import { Secret } from "../../../kit/secret.ts";
import { channelPair, merchantPair, signAsChannel } from "../../conformance/keys.ts";
import type { ChannelContext, WireResponse } from "../../contract.ts";

/** 2026-11-21 00:00:05 in Beijing. */
export const context: ChannelContext = {
  account: {
    id: "alipay-answers",
    version: 1,
    livemode: false,
    config: {
      app_id: "2021000000000001",
      seller_id: "2088000000000001",
      mode: "key",
      alipay_public_keys: [channelPair.public_bare],
    },
    secrets: { app_private_key: new Secret(merchantPair.pkcs1_bare) },
  },
  clock: createManualClock(Date.UTC(2026, 10, 20, 16, 0, 5)),
  random: systemRandom,
};
export function raw(text: string): WireResponse {
  return { status: 200, headers: {}, body: Buffer.from(text) };
}

export function signed(method: string, data: Record<string, unknown>): WireResponse {
  const text = JSON.stringify(data).replaceAll("/", "\\/");
  return raw(`{"${method.replaceAll(".", "_")}_response":${text},"sign":"${signAsChannel(text)}"}`);
}

export const unsigned = (member: string, data: Record<string, unknown>) => raw(JSON.stringify({ [member]: data }));
/** A business refusal: signed, code 40004. */
export const business = (method: string, sub_code: string) =>
  signed(method, { code: "40004", msg: "Business Failed", sub_code, sub_msg: "不行" });
