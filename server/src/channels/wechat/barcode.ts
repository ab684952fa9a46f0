/** Code payments (付款码): the account's `barcode_api` says over which API. The documents disagree on v3: v2 unless set. */
import type { AttemptReference, BarcodeRules, ChannelAccount, Operation, PayInput, PayOutcome } from "../contract.ts";
import { cancelBarcodeV2, payBarcodeV2, queryBarcodeV2 } from "./barcode-v2.ts";
import { cancelBarcodeV3, payBarcodeV3 } from "./barcode-v3.ts";
import { openWechatAccount } from "./config.ts";
import { query as queryV3 } from "./query.ts";

function choose<Input, Outcome>(
  pick: (account: ChannelAccount, input: Input) => Operation<Input, Outcome>,
): Operation<Input, Outcome> {
  return {
    toRequest: (context, input) => pick(context.account, input).toRequest(context, input),
    fromResponse: (context, input, response) => pick(context.account, input).fromResponse(context, input, response),
  };
}

const usesV3 = (account: ChannelAccount) => openWechatAccount(account).barcode_api === "v3";

export const payBarcode = choose<PayInput, PayOutcome>((account) => (usesV3(account) ? payBarcodeV3 : payBarcodeV2));

/** Every order is asked about over the API that made it. */
export const query = choose((account, { method }: AttemptReference) =>
  method === "wechat.barcode" && !usesV3(account) ? queryBarcodeV2 : queryV3,
);

/** WeChat Pay asks to query every 5 to 10 s for 30 to 45 s and then to reverse, and never within 15 s of paying. */
export const barcode: BarcodeRules = {
  query_interval_ms: 5_000,
  query_for_ms: 45_000,
  cancel_after_ms: 15_000,
  cancel: choose((account) => (usesV3(account) ? cancelBarcodeV3 : cancelBarcodeV2)),
};
