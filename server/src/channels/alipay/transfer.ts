/**
 * Transfers to a person's Alipay account: alipay.fund.trans.uni.transfer and alipay.fund.trans.common.query. Alipay takes
 * them from applications with certificates only. Its notice goes to the address that the application has at the open
 * platform, whatever the transfer says, so that the query is what tells.
 */
import { toDecimal } from "../../kit/money.ts";
import { fromBeijingTime } from "../beijing-time.ts";
import type {
  BeneficiaryKind,
  ChannelContext,
  ChannelTransfer,
  Operation,
  TransferInput,
  TransferOutcome,
  Transfers,
} from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { RequestRefused, unknown } from "../refusal.ts";
import { type JsonObject, textOf } from "../wire-json.ts";
import { openAlipayAccount } from "./config.ts";
import { interpretAlipayRefusal, transferQueryRefusals, transferRefusals } from "./errors.ts";
import { cleanText } from "./pay.ts";
import { readYuan } from "./query.ts";
import { signCall } from "./sign.ts";
import { readAnswer } from "./verify.ts";

const TRANSFER = "alipay.fund.trans.uni.transfer";
const TRANSFER_QUERY = "alipay.fund.trans.common.query";
const TITLE_LENGTH_MAX = 128;
/** To an Alipay account, from the balance, without a password. */
const PRODUCT = { product_code: "TRANS_ACCOUNT_NO_PWD", biz_scene: "DIRECT_TRANSFER" };

const identityTypes: Readonly<Record<BeneficiaryKind, string>> = {
  user_id: "ALIPAY_USER_ID",
  login_id: "ALIPAY_LOGON_ID",
  openid: "ALIPAY_OPEN_ID",
};

const transfer: Operation<TransferInput, TransferOutcome> = {
  async toRequest(context, { transfer_no, amount, beneficiary, title }) {
    expectCertificates(context);
    const { kind, account, name } = beneficiary;
    if (kind === "login_id" && !name) {
      throw new RequestRefused("BENEFICIARY_NAME_REQUIRED", "Alipay transfers to a login name only with the real name");
    }
    const shown = cleanText(title, TITLE_LENGTH_MAX);
    return signCall(context, {
      method: TRANSFER,
      biz_content: {
        out_biz_no: transfer_no,
        trans_amount: toDecimal(amount),
        ...PRODUCT,
        order_title: shown,
        payee_info: { identity: account, identity_type: identityTypes[kind], ...(name ? { name } : {}) },
        // From 50,000 yuan on the law asks for a reason.
        remark: shown,
      },
    });
  },
  fromResponse(context, input, response) {
    const answer = readAnswer(context, TRANSFER, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretAlipayRefusal(transferRefusals, answer);
    return readTransfer(context, input, answer.data);
  },
};

const query: Operation<TransferInput, TransferOutcome> = {
  async toRequest(context, { transfer_no }) {
    expectCertificates(context);
    return signCall(context, { method: TRANSFER_QUERY, biz_content: { out_biz_no: transfer_no, ...PRODUCT } });
  },
  fromResponse(context, input, response) {
    const answer = readAnswer(context, TRANSFER_QUERY, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretAlipayRefusal(transferQueryRefusals, answer);
    return readTransfer(context, input, answer.data);
  },
};

function expectCertificates({ account }: ChannelContext): void {
  if (openAlipayAccount(account).certificate_numbers) return;
  throw new RequestRefused(
    "CERTIFICATE_MODE_REQUIRED",
    "Alipay takes transfers from accounts in certificate mode only",
  );
}

/** FAIL and CLOSED moved nothing; REFUND means that what was sent has come back. */
function readTransfer(context: ChannelContext, input: TransferInput, data: JsonObject): TransferOutcome {
  const amount = readYuan(data, "trans_amount", undefined) ?? readYuan(data, "amount", undefined);
  const differences = [
    ...differenceOf("transfer_no", input.transfer_no, textOf(data, "out_biz_no")),
    ...differenceOf("amount", toDecimal(input.amount), amount && toDecimal(amount)),
  ];
  if (differences.length > 0) return unknown("integrity", differences.join("; "));
  const status = textOf(data, "status");
  switch (status) {
    case "SUCCESS":
      return { kind: "succeeded", transfer: describe(context, data, amount) };
    case "DEALING":
    case "WAIT_PAY":
      return { kind: "pending", detail: status };
    case "FAIL":
    case "CLOSED":
    case "REFUND": {
      const message = textOf(data, "fail_reason") ?? status;
      return { kind: "failed", failure: { code: textOf(data, "error_code") ?? status, message } };
    }
    default:
      return unknown("unreadable", `the transfer's status ${status ?? "(none)"} is not known`);
  }
}

function describe({ clock }: ChannelContext, data: JsonObject, amount: ChannelTransfer["amount"]): ChannelTransfer {
  const paid = textOf(data, "trans_date") ?? textOf(data, "pay_date") ?? "";
  return {
    transfer_no: textOf(data, "out_biz_no"),
    amount,
    channel_transfer_no: textOf(data, "order_id"),
    transferred_at: fromBeijingTime(paid) ?? clock.now(),
  };
}

export const transfers: Transfers = { beneficiaryKinds: ["user_id", "login_id", "openid"], transfer, query };
