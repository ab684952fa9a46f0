/**
 * Sharing (分账): alipay.trade.order.settle and its query, https://opendocs.alipay.com/open/02pj6k . Always in the
 * asynchronous mode, which takes 50 receivers at once and ends each by itself; a trade must not be shared in both modes.
 */
import { toDecimal } from "../../kit/money.ts";
import type {
  Operation,
  ReleaseInput,
  SharedPart,
  ShareInput,
  ShareOutcome,
  Sharing,
  SharingMoveOutcome,
  SharingPart,
  Unknown,
} from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { unknown } from "../refusal.ts";
import { asObject, type JsonObject, textOf } from "../wire-json.ts";
import { interpretAlipayRefusal, shareQueryRefusals, shareRefusals } from "./errors.ts";
import { cleanText } from "./pay.ts";
import { readYuan } from "./query.ts";
import { addReceiver, receiverKinds, removeReceiver, typeNames, typeOf } from "./receivers.ts";
import { signCall } from "./sign.ts";
import { readAnswer } from "./verify.ts";

const SETTLE = "alipay.trade.order.settle";
const SETTLE_QUERY = "alipay.trade.order.settle.query";
const DESCRIPTION_LENGTH_MAX = 256;
const DAY_MS = 86_400_000;

/** Accepted is not shared: each part is pending until the query tells of it. */
const share: Operation<ShareInput, ShareOutcome> = {
  toRequest: async (context, input) =>
    signCall(context, {
      method: SETTLE,
      biz_content: {
        out_request_no: input.sharing_no,
        trade_no: input.attempt.channel_trade_no,
        royalty_parameters: input.parts.map(describePart),
        royalty_mode: "async",
        ...(input.final ? { extend_params: { royalty_finish: "true" } } : {}),
      },
    }),
  fromResponse(context, input, response) {
    const answer = readAnswer(context, SETTLE, response);
    if (answer.kind === "unknown") return answer;
    const stranger = findStranger(input, answer.data);
    if (stranger) return stranger;
    if (answer.kind === "refused") return interpretAlipayRefusal(shareRefusals, answer);
    return { kind: "pending", parts: input.parts.map(({ receiver, amount }) => part(receiver, amount, "pending")) };
  },
};

function describePart({ receiver, amount, description }: SharingPart): JsonObject {
  return {
    royalty_type: "transfer",
    trans_in_type: typeOf(receiver),
    trans_in: receiver.account,
    ...(receiver.name ? { trans_in_name: receiver.name } : {}),
    amount: toDecimal(amount),
    desc: cleanText(description, DESCRIPTION_LENGTH_MAX),
  };
}

const part = (
  { kind, account }: SharingPart["receiver"],
  amount: SharingPart["amount"],
  status: SharedPart["status"],
): SharedPart => ({ receiver: { kind, account }, amount, status });

/**
 * Each part is told by itself. One that is not told of yet is pending; one that we did not ask for is an integrity error.
 * A receiver who was named by a login name may be told by a user id: then the amount tells which part it is.
 */
const queryShare: Operation<ShareInput, ShareOutcome> = {
  toRequest: (context, { sharing_no, attempt }) =>
    signCall(context, {
      method: SETTLE_QUERY,
      biz_content: { out_request_no: sharing_no, trade_no: attempt.channel_trade_no },
    }),
  fromResponse(context, input, response) {
    const answer = readAnswer(context, SETTLE_QUERY, response);
    if (answer.kind === "unknown") return answer;
    const stranger = findStranger(input, answer.data);
    if (stranger) return stranger;
    if (answer.kind === "refused") return interpretAlipayRefusal(shareQueryRefusals, answer);
    return readParts(input, answer.data);
  },
};

function readParts(input: ShareInput, data: JsonObject): ShareOutcome {
  const list = data.royalty_detail_list;
  const details = (Array.isArray(list) ? list : []).map(asObject).filter((detail) => detail !== undefined);
  const told = details.filter((detail) => textOf(detail, "operation_type") === "transfer");
  const open = [...input.parts];
  const parts: SharedPart[] = [];
  for (const detail of told) {
    const index = findPart(open, detail);
    const [found] = index < 0 ? [] : open.splice(index, 1);
    if (!found) return unknown("integrity", "the channel tells of a part that was not asked for");
    const read = readPart(found, detail);
    if (!read) return unknown("unreadable", `the state ${textOf(detail, "state") ?? "(none)"} of a part is not known`);
    parts.push(read);
  }
  for (const { receiver, amount } of open) parts.push(part(receiver, amount, "pending"));
  if (parts.some(({ status }) => status === "pending")) return { kind: "pending", parts };
  return { kind: "finished", channel_sharing_no: undefined, parts };
}

function findPart(open: readonly SharingPart[], detail: JsonObject): number {
  const amount = readYuan(detail, "amount", undefined)?.amount;
  const account = textOf(detail, "trans_in_open_id") ?? textOf(detail, "trans_in");
  const type = textOf(detail, "trans_in_type");
  const same = open.findIndex((one) => one.receiver.account === account && one.amount.amount === amount);
  if (same >= 0) return same;
  return open.findIndex((one) => typeNames[one.receiver.kind] !== type && one.amount.amount === amount);
}

const states: Readonly<Record<string, SharedPart["status"]>> = {
  SUCCESS: "succeeded",
  FAIL: "failed",
  PROCESSING: "pending",
};

function readPart({ receiver, amount }: SharingPart, detail: JsonObject): SharedPart | undefined {
  const state = textOf(detail, "state") ?? "";
  if (!Object.hasOwn(states, state)) return undefined;
  const status = states[state]!;
  if (status !== "failed") return part(receiver, amount, status);
  const failure = { code: textOf(detail, "error_code") ?? "FAIL", message: textOf(detail, "error_desc") ?? "" };
  return { ...part(receiver, amount, status), failure };
}

/**
 * Gives the frozen rest to the merchant. No query tells of it; the same request again does, as Alipay answers a repeated
 * one as the first.
 */
const release: Operation<ReleaseInput, SharingMoveOutcome> = {
  toRequest: (context, { sharing_no, attempt }) =>
    signCall(context, {
      method: SETTLE,
      biz_content: {
        out_request_no: sharing_no,
        trade_no: attempt.channel_trade_no,
        extend_params: { royalty_finish: "true" },
      },
    }),
  fromResponse(context, input, response) {
    const answer = readAnswer(context, SETTLE, response);
    if (answer.kind === "unknown") return answer;
    const stranger = findStranger(input, answer.data);
    if (stranger) return stranger;
    if (answer.kind === "refused") return interpretAlipayRefusal(shareRefusals, answer);
    return { kind: "succeeded" };
  },
};

/** An answer about another trade or another request. */
function findStranger({ attempt, sharing_no }: ReleaseInput, data: JsonObject): Unknown | undefined {
  const differences = [
    ...differenceOf("channel_trade_no", attempt.channel_trade_no, textOf(data, "trade_no")),
    ...differenceOf("sharing_no", sharing_no, textOf(data, "out_request_no")),
  ];
  return differences.length > 0 ? unknown("integrity", differences.join("; ")) : undefined;
}

/** What a refund takes back from receivers. Alipay's face-to-face product ignores it and takes from all by proportion. */
export function describeReturn(parts: readonly SharingPart[]): readonly JsonObject[] {
  return parts.map(({ receiver, amount, description }) => ({
    royalty_type: "transfer",
    trans_out_type: typeOf(receiver),
    trans_out: receiver.account,
    amount: toDecimal(amount),
    desc: cleanText(description, DESCRIPTION_LENGTH_MAX),
  }));
}

/** Frozen money is thawed by itself after 30 days. */
export const sharing: Sharing = {
  receiverKinds,
  namedKinds: ["login_id"],
  returningKinds: receiverKinds,
  proportionalReturns: ["alipay.qr", "alipay.barcode", "alipay.jsapi"],
  addReceiver,
  removeReceiver,
  share,
  queryShare,
  release,
  queryRelease: release,
  limits: { share_ppm_max: 300_000, receivers_max: 50, delay_ms: 30_000, window_ms: 30 * DAY_MS, hold_required: false },
};
