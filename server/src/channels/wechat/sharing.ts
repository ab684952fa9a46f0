/**
 * Sharing (分账): https://pay.weixin.qq.com/doc/v3/merchant/4012524936 . A sharing is taken first and done later, and
 * FINISHED says only that it is over: each receiver's result tells what that one got.
 */
import type {
  ChannelContext,
  Operation,
  ReceiverKind,
  ReleaseInput,
  ShareInput,
  ShareOutcome,
  Sharing,
  SharingPart,
} from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { RequestRefused, unknown } from "../refusal.ts";
import { type JsonObject, textOf } from "../wire-json.ts";
import { openWechatAccount } from "./config.ts";
import { interpretShareRefusal, interpretWechatRefusal, shareQueryRefusals } from "./errors.ts";
import { subMerchantOf } from "./parties.ts";
import { truncate, wireAmount } from "./pay.ts";
import { sealText } from "./sensitive.ts";
import { readParts, readReceiver } from "./sharing-parts.ts";
import { queryReturn, returnShare } from "./sharing-return.ts";
import { signRequest } from "./sign.ts";
import { readAnswer, type WechatAnswer } from "./verify.ts";

const PARTS_MAX = 50;
const DESCRIPTION_LENGTH_MAX = 80;
const RELEASE_DESCRIPTION = "解冻剩余资金";
/** How a receiver stands to the merchant; WeChat Pay asks, and does not check it. */
const RELATION = "PARTNER";

/** How WeChat Pay names a receiver's kind: an openid is one of the app that the account's payers act under. */
function typeOf(context: ChannelContext, kind: ReceiverKind): string {
  if (kind === "merchant_no") return "MERCHANT_ID";
  if (kind !== "openid") throw new RequestRefused("RECEIVER_KIND_UNSUPPORTED", `WeChat Pay has no receiver by ${kind}`);
  return openWechatAccount(context.account).sub_appid === undefined ? "PERSONAL_OPENID" : "PERSONAL_SUB_OPENID";
}

function appsOf({ account }: ChannelContext): JsonObject {
  const { appid, sub_appid } = openWechatAccount(account);
  return { appid, ...(sub_appid === undefined ? {} : { sub_appid }) };
}

/** The name travels encrypted, and the request then names the key. */
function nameOf(context: ChannelContext, name: string | undefined): { name?: string; serial?: string } {
  if (name === undefined) return {};
  const { sealed, serial } = sealText(context, name);
  return { name: sealed, serial };
}

const addReceiver: Sharing["addReceiver"] = {
  async toRequest(context, receiver) {
    const { serial, ...named } = nameOf(context, receiver.name);
    const body = {
      ...subMerchantOf(context),
      ...appsOf(context),
      type: typeOf(context, receiver.kind),
      account: receiver.account,
      ...named,
      relation_type: RELATION,
    };
    return signRequest(context, { method: "POST", path: "/v3/profitsharing/receivers/add", body, serial });
  },
  fromResponse: (context, receiver, response) => readReceiver(receiver, readAnswer(context, response)),
};

const removeReceiver: Sharing["removeReceiver"] = {
  async toRequest(context, { kind, account }) {
    const body = { ...subMerchantOf(context), ...appsOf(context), type: typeOf(context, kind), account };
    return signRequest(context, { method: "POST", path: "/v3/profitsharing/receivers/delete", body });
  },
  fromResponse: (context, receiver, response) => readReceiver(receiver, readAnswer(context, response)),
};

const share: Operation<ShareInput, ShareOutcome> = {
  async toRequest(context, { attempt, sharing_no, parts, final }) {
    if (parts.length === 0 || parts.length > PARTS_MAX) {
      throw new RequestRefused("PARTS_OUT_OF_RANGE", `WeChat Pay shares with 1 to ${PARTS_MAX} receivers at once`);
    }
    const written = parts.map((part) => writePart(context, part));
    const serial = written.find((part) => part.serial !== undefined)?.serial;
    const body = {
      ...subMerchantOf(context),
      ...appsOf(context),
      transaction_id: attempt.channel_trade_no,
      out_order_no: sharing_no,
      receivers: written.map(({ serial: _, ...receiver }) => receiver),
      unfreeze_unsplit: final,
    };
    return signRequest(context, { method: "POST", path: "/v3/profitsharing/orders", body, serial });
  },
  fromResponse(context, input, response) {
    const answer = readAnswer(context, response);
    return answer.kind === "refused" ? interpretShareRefusal(answer) : readShare(input, answer);
  },
};

function writePart(context: ChannelContext, { receiver, amount, description }: SharingPart) {
  return {
    type: typeOf(context, receiver.kind),
    account: receiver.account,
    ...nameOf(context, receiver.name),
    amount: wireAmount(amount.amount),
    description: truncate(description, DESCRIPTION_LENGTH_MAX),
  };
}

const queryShare: Operation<ShareInput, ShareOutcome> = {
  toRequest: (context, input) => askFor(context, input),
  fromResponse(context, input, response) {
    const answer = readAnswer(context, response);
    return answer.kind === "refused" ? interpretWechatRefusal(shareQueryRefusals, answer) : readShare(input, answer);
  },
};

function askFor(context: ChannelContext, { attempt, sharing_no }: Pick<ShareInput, "attempt" | "sharing_no">) {
  const about = { ...subMerchantOf(context), transaction_id: attempt.channel_trade_no } as Record<string, string>;
  const path = `/v3/profitsharing/orders/${encodeURIComponent(sharing_no)}?${new URLSearchParams(about)}`;
  return signRequest(context, { method: "GET", path });
}

/** The state of the whole. Numbers and amounts are the channel's echo. */
function readShare(input: ShareInput, answer: Exclude<WechatAnswer, { kind: "refused" }>): ShareOutcome {
  if (answer.kind === "unknown") return answer;
  const problem = findDifference(input, answer.data);
  if (problem) return problem;
  const parts = readParts(input, answer.data);
  if ("kind" in parts) return parts;
  const state = textOf(answer.data, "state");
  if (state !== "FINISHED" && state !== "PROCESSING")
    return unknown("unreadable", `the state ${state ?? "(none)"} is not known`);
  const waits = state === "PROCESSING" || parts.some(({ status }) => status === "pending");
  return waits
    ? { kind: "pending", parts }
    : { kind: "finished", channel_sharing_no: textOf(answer.data, "order_id"), parts };
}

function findDifference({ attempt, sharing_no }: Pick<ShareInput, "attempt" | "sharing_no">, data: JsonObject) {
  const differences = [
    ...differenceOf("sharing_no", sharing_no, textOf(data, "out_order_no")),
    ...differenceOf("channel_trade_no", attempt.channel_trade_no, textOf(data, "transaction_id")),
  ];
  return differences.length > 0 ? unknown("integrity", differences.join("; ")) : undefined;
}

/** The number is a new one: under one that was used before, WeChat Pay would do nothing and say nothing of it. */
const release: Sharing["release"] = {
  async toRequest(context, { attempt, sharing_no }) {
    const body = {
      ...subMerchantOf(context),
      transaction_id: attempt.channel_trade_no,
      out_order_no: sharing_no,
      description: RELEASE_DESCRIPTION,
    };
    return signRequest(context, { method: "POST", path: "/v3/profitsharing/orders/unfreeze", body });
  },
  fromResponse(context, input, response) {
    const answer = readAnswer(context, response);
    return answer.kind === "refused" ? interpretShareRefusal(answer) : readRelease(input, answer);
  },
};

const queryRelease: Sharing["queryRelease"] = {
  toRequest: (context, input) => askFor(context, input),
  fromResponse(context, input, response) {
    const answer = readAnswer(context, response);
    return answer.kind === "refused" ? interpretWechatRefusal(shareQueryRefusals, answer) : readRelease(input, answer);
  },
};

function readRelease(input: ReleaseInput, answer: Exclude<WechatAnswer, { kind: "refused" }>) {
  if (answer.kind === "unknown") return answer;
  const problem = findDifference(input, answer.data);
  if (problem) return problem;
  const state = textOf(answer.data, "state");
  if (state === "PROCESSING") return { kind: "pending" } as const;
  return state === "FINISHED"
    ? ({ kind: "succeeded" } as const)
    : unknown("unreadable", `the state ${state ?? "(none)"} is not known`);
}

export const sharing: Sharing = {
  receiverKinds: ["merchant_no", "openid"],
  namedKinds: ["merchant_no"],
  returningKinds: ["merchant_no"],
  addReceiver,
  removeReceiver,
  share,
  queryShare,
  release,
  queryRelease,
  returnShare,
  queryReturn,
  limits: {
    ...{ share_ppm_max: 300_000, receivers_max: PARTS_MAX, delay_ms: 60_000, window_ms: 30 * 86_400_000 },
    hold_required: true,
  },
};
