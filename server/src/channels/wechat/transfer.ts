/**
 * Transfers to a person (商家转账): https://pay.weixin.qq.com/doc/v3/merchant/4012711988 . The person confirms inside WeChat
 * within a day, or the money stays. The same number sent again is the same transfer, and answers the package anew.
 */
import { fromRfc3339 } from "../beijing-time.ts";
import type {
  ChannelContext,
  ChannelFailure,
  Operation,
  TransferInput,
  TransferOutcome,
  Transfers,
  WireResponse,
} from "../contract.ts";
import { differenceOf, echoedMoney } from "../integrity.ts";
import { RequestRefused, unknown } from "../refusal.ts";
import { integerOf, type JsonObject, textOf } from "../wire-json.ts";
import { openWechatAccount, type WechatAccount, type WechatConfig } from "./config.ts";
import {
  interpretTransferRefusal,
  interpretWechatRefusal,
  transferCancelRefusals,
  transferQueryRefusals,
} from "./errors.ts";
import { truncate, wireAmount } from "./pay.ts";
import { sealText } from "./sensitive.ts";
import { signRequest } from "./sign.ts";
import { readAnswer } from "./verify.ts";

const PATH = "/v3/fund-app/mch-transfer/transfer-bills";
const REMARK_LENGTH_MAX = 32;
/** From 2,000 yuan on, WeChat Pay compares the person's name. */
const NAME_REQUIRED_FROM = 200_000n;

const transfer: Operation<TransferInput, TransferOutcome> = {
  async toRequest(context, input) {
    const { appid } = requireTransfers(context);
    const { transfer_scene_id, transfer_reports = [] } = context.account.config as WechatConfig;
    const { beneficiary, amount, title, notify_url, transfer_no } = input;
    if (!transfer_scene_id) {
      const message = "the channel account has no transfer_scene_id";
      throw new RequestRefused("TRANSFER_SCENE_REQUIRED", message, { elsewhere: true });
    }
    if (beneficiary.kind !== "openid") {
      throw new RequestRefused("BENEFICIARY_KIND_UNSUPPORTED", "WeChat Pay transfers to an openid");
    }
    if (!beneficiary.name && amount.amount >= NAME_REQUIRED_FROM) {
      throw new RequestRefused("BENEFICIARY_NAME_REQUIRED", "WeChat Pay asks for the name from 2,000 yuan on");
    }
    const name = beneficiary.name === undefined ? undefined : sealText(context, beneficiary.name);
    const body = {
      appid,
      out_bill_no: transfer_no,
      transfer_scene_id,
      openid: beneficiary.account,
      ...(name && { user_name: name.sealed }),
      transfer_amount: wireAmount(amount.amount),
      transfer_remark: truncate(title, REMARK_LENGTH_MAX),
      notify_url,
      transfer_scene_report_infos: transfer_reports,
    };
    return signRequest(context, { method: "POST", path: PATH, body, serial: name?.serial });
  },
  fromResponse: (context, input, response) => readResponse(context, input, response, interpretTransferRefusal),
};

const query: Operation<TransferInput, TransferOutcome> = {
  toRequest: (context, input) => signRequest(context, { method: "GET", path: pathOf(input) }),
  fromResponse: (context, input, response) =>
    readResponse(context, input, response, (refusal) => interpretWechatRefusal(transferQueryRefusals, refusal)),
};

/** Only a transfer that waits for its person can be taken back; one that cannot says nothing certain here. */
const cancel: Operation<TransferInput, TransferOutcome> = {
  toRequest: (context, input) => signRequest(context, { method: "POST", path: `${pathOf(input)}/cancel` }),
  fromResponse: (context, input, response) =>
    readResponse(context, input, response, (refusal) => interpretWechatRefusal(transferCancelRefusals, refusal)),
};

function pathOf({ transfer_no }: TransferInput): string {
  return `${PATH}/out-bill-no/${encodeURIComponent(transfer_no)}`;
}

/** A service provider has no balance to transfer from. */
function requireTransfers({ account }: ChannelContext): WechatAccount {
  const opened = openWechatAccount(account);
  if (opened.sub_mchid === undefined) return opened;
  const message = "a service provider does not transfer for its sub-merchant";
  throw new RequestRefused("TRANSFER_UNSUPPORTED", message, { elsewhere: true });
}

function readResponse(
  context: ChannelContext,
  input: TransferInput,
  response: WireResponse,
  interpret: (refusal: ChannelFailure) => TransferOutcome,
): TransferOutcome {
  const answer = readAnswer(context, response);
  if (answer.kind === "unknown") return answer;
  if (answer.kind === "refused") return interpret(answer);
  const differences = findDifferences(input, answer.data);
  return differences.length > 0 ? unknown("integrity", differences.join("; ")) : readState(context, answer.data);
}

/** The sentences name no person. */
function findDifferences({ transfer_no, amount, beneficiary }: TransferInput, data: JsonObject): string[] {
  const openid = textOf(data, "openid");
  return [
    ...differenceOf("transfer_no", transfer_no, textOf(data, "out_bill_no")),
    ...differenceOf("amount", String(amount.amount), integerOf(data, "transfer_amount")?.toString()),
    ...(openid === undefined || openid === beneficiary.account ? [] : ["the beneficiary is another person"]),
  ];
}

function readState(context: ChannelContext, data: JsonObject): TransferOutcome {
  const state = textOf(data, "state");
  switch (state) {
    case "SUCCESS":
      return {
        kind: "succeeded",
        transfer: {
          transfer_no: textOf(data, "out_bill_no"),
          amount: echoedMoney(integerOf(data, "transfer_amount"), "CNY"),
          channel_transfer_no: textOf(data, "transfer_bill_no"),
          transferred_at: fromRfc3339(textOf(data, "update_time") ?? "") ?? context.clock.now(),
        },
      };
    case "WAIT_USER_CONFIRM":
      return { kind: "pending", ...confirmationOf(context, data), detail: state };
    case "ACCEPTED":
    case "PROCESSING":
    // So spelled by the channel.
    case "TRANSFERING":
    case "CANCELING":
      return { kind: "pending", detail: state };
    case "FAIL":
    case "CANCELLED": {
      const code = textOf(data, "fail_reason") ?? state;
      return { kind: "failed", failure: { code, message: `WeChat Pay ended the transfer: ${state}` } };
    }
    default:
      return unknown("unreadable", `the state ${state ?? "(none)"} is not known`);
  }
}

/** What a page inside WeChat hands to `WeixinJSBridge.invoke("requestMerchantTransfer", …)`. A query tells no package. */
function confirmationOf(
  { account }: ChannelContext,
  data: JsonObject,
): Pick<TransferOutcome & { kind: "pending" }, "action"> {
  const bundle = textOf(data, "package_info");
  if (!bundle) return {};
  const { mchid, appid } = openWechatAccount(account);
  return { action: { type: "jsapi", parameters: { mchId: mchid, appId: appid, package: bundle } } };
}

export const transfers: Transfers = { beneficiaryKinds: ["openid"], transfer, query, cancel };
