/** Creating an order: POST /v3/pay/[partner/]transactions/{native|jsapi|h5|app}. A mini program pays by a jsapi order. */
import { toBeijingRfc3339 } from "../beijing-time.ts";
import type { ChannelContext, Operation, PayInput, PayOutcome, Unknown, WireResponse } from "../contract.ts";
import { RequestRefused, unknown } from "../refusal.ts";
import { type JsonObject, textOf } from "../wire-json.ts";
import { openWechatAccount } from "./config.ts";
import { interpretPayRefusal } from "./errors.ts";
import { partiesOf, payerOf, requireAppid, transactionsPath } from "./parties.ts";
import { signAppParameters, signJsapiParameters, signRequest } from "./sign.ts";
import { readAnswer } from "./verify.ts";

const DESCRIPTION_LENGTH_MAX = 127;
/** The documents disagree on 7 or 15 days; both take 7. */
const EXPIRY_MS_MAX = 7 * 86_400_000;

/** A QR code with WeChat's own address in it. */
export const payNative = defineOperation(
  "native",
  () => ({}),
  async (_context, _input, data) => {
    const qr_code = textOf(data, "code_url");
    return qr_code ? { kind: "pending", action: { type: "qr_code", qr_code } } : missing("code_url");
  },
);

/** A page inside WeChat's own browser; needs the payer's openid under the account's appid. */
export const payJsapi = defineOperation("jsapi", openidOf, readJsapiAction);

/** A mini program: a jsapi order under the mini program's own appid, and the payer's openid there. */
export const payMini = defineOperation("jsapi", openidOf, readJsapiAction);

function openidOf(context: ChannelContext, { payer, method }: PayInput): JsonObject {
  if (!payer.openid) throw new RequestRefused("PAYER_OPENID_REQUIRED", `${method} needs payer.openid`);
  return { payer: payerOf(context, method, payer.openid) };
}

async function readJsapiAction(context: ChannelContext, input: PayInput, data: JsonObject): Promise<PayOutcome> {
  const prepay_id = textOf(data, "prepay_id");
  if (!prepay_id) return missing("prepay_id");
  const parameters = await signJsapiParameters(context, requireAppid(context, input.method), prepay_id);
  return { kind: "pending", action: { type: "jsapi", parameters } };
}

/** The merchant's own app, which hands the parameters to WeChat's SDK. */
export const payApp = defineOperation(
  "app",
  () => ({}),
  async (context, input, data) => {
    const prepay_id = textOf(data, "prepay_id");
    if (!prepay_id) return missing("prepay_id");
    const parameters = await signAppParameters(context, requireAppid(context, input.method), prepay_id);
    return { kind: "pending", action: { type: "app", parameters } };
  },
);

/** A mobile browser outside WeChat; needs the payer's address and comes back to `return_url` by `redirect_url`. */
export const payH5 = defineOperation(
  "h5",
  (_context, { payer }) => {
    if (!payer.ip) throw new RequestRefused("PAYER_IP_REQUIRED", "wechat.h5 needs payer.ip");
    return { scene_info: { payer_client_ip: payer.ip, h5_info: { type: "Wap" } } };
  },
  async (_context, { return_url }, data) => {
    const h5_url = textOf(data, "h5_url");
    if (!h5_url || !URL.canParse(h5_url)) return missing("h5_url");
    const url = new URL(h5_url);
    if (return_url) url.searchParams.set("redirect_url", return_url);
    return { kind: "pending", action: { type: "redirect", url: url.href } };
  },
);

type ReadAction = (context: ChannelContext, input: PayInput, data: JsonObject) => Promise<PayOutcome>;

function defineOperation(
  product: "native" | "jsapi" | "h5" | "app",
  particulars: (context: ChannelContext, input: PayInput) => JsonObject,
  readAction: ReadAction,
): Operation<PayInput, PayOutcome> {
  return {
    async toRequest(context, input) {
      const body = { ...orderOf(context, input), ...particulars(context, input) };
      const path = `${transactionsPath(openWechatAccount(context.account))}/${product}`;
      return signRequest(context, { method: "POST", path, body });
    },
    async fromResponse(context: ChannelContext, input: PayInput, response: WireResponse): Promise<PayOutcome> {
      const answer = readAnswer(context, response);
      if (answer.kind === "unknown") return answer;
      if (answer.kind === "refused") return interpretPayRefusal(answer);
      return readAction(context, input, answer.data);
    },
  };
}

function orderOf(context: ChannelContext, input: PayInput): JsonObject {
  return {
    ...partiesOf(context, input.method),
    description: truncate(input.subject, DESCRIPTION_LENGTH_MAX),
    out_trade_no: input.serial_no,
    // Counted from the creation and not from now, so that a repeated call carries identical particulars.
    time_expire: toBeijingRfc3339(Math.min(input.expires_at, input.created_at + EXPIRY_MS_MAX)),
    notify_url: input.notify_url,
    amount: { total: wireAmount(input.amount.amount), currency: input.amount.currency },
    ...settleInfoOf(input),
  };
}

/** Whether the money is held back to be shared. */
export function settleInfoOf({ sharing }: PayInput): JsonObject {
  return sharing ? { settle_info: { profit_sharing: true } } : {};
}

/** JSON has no bigint; an amount beyond 2^53 fen is far above every limit of the channel. */
export function wireAmount(amount: bigint): number {
  if (amount <= 0n || amount > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new RequestRefused("AMOUNT_OUT_OF_RANGE", "the amount is out of the channel's range");
  }
  return Number(amount);
}

/** The first `length` UTF-16 units, never half of a character outside the basic plane. */
export function truncate(text: string, length: number): string {
  if (text.length <= length) return text;
  const cut = text.slice(0, length);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}

function missing(field: string): Unknown {
  return unknown("unreadable", `the answer has no usable ${field}`);
}
