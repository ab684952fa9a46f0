/**
 * Bills: GET /v3/bill/tradebill (交易账单) and /v3/bill/fundflowbill (资金账单). The answer tells where the file lies for five
 * minutes and the SHA-1 of what it unpacks to; the file itself is asked for with a signature and comes without one.
 * https://pay.weixin.qq.com/doc/v3/merchant/4012791692
 */
import { fromBeijingTime } from "../beijing-time.ts";
import type { BillInput, BillOutcome, Bills, ChannelContext, Operation } from "../contract.ts";
import { RequestRefused, unknown } from "../refusal.ts";
import { type JsonObject, textOf } from "../wire-json.ts";
import { openWechatAccount } from "./config.ts";
import { billRefusals, interpretWechatRefusal } from "./errors.ts";
import { fundFormat } from "./fund-lines.ts";
import { signRequest } from "./sign.ts";
import { tradeFormat } from "./trade-lines.ts";
import { codeSpelling, readAnswer } from "./verify.ts";

/** WeChat Pay asks to come back no sooner. */
const RETRY_AFTER_MS = 30 * 60_000;
const READY_AFTER_MS = 34 * 3_600_000;

const locate: Operation<BillInput, BillOutcome> = {
  async toRequest(context, { kind, date }) {
    const { sub_mchid } = openWechatAccount(context.account);
    if (kind === "fund_flow" && sub_mchid !== undefined) {
      throw new RequestRefused("BILL_KIND_UNSUPPORTED", "a service provider is shown no money of its sub-merchant");
    }
    const path = kind === "trade" ? "/v3/bill/tradebill" : "/v3/bill/fundflowbill";
    const query = new URLSearchParams({
      bill_date: date,
      ...(kind === "trade" ? { bill_type: "ALL" } : { account_type: "BASIC" }),
      tar_type: "GZIP",
      ...(sub_mchid === undefined ? {} : { sub_mchid }),
    });
    return signRequest(context, { method: "GET", path: `${path}?${query}` });
  },
  async fromResponse(context, { date }, response) {
    const answer = readAnswer(context, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "accepted") return readLocation(context, answer.data);
    const code = codeSpelling(answer.code);
    // Before it is due, that there is none says only that there is none yet.
    const early = code === "NOSTATEMENTEXIST" && context.clock.now() < readyAt(date);
    if (early || code === "STATEMENTCREATING") return { kind: "not_ready", retry_after_ms: RETRY_AFTER_MS };
    if (code === "NOSTATEMENTEXIST") return { kind: "empty" };
    return interpretWechatRefusal(billRefusals, answer);
  },
};

/** Ten o'clock of the next day in Beijing. */
function readyAt(date: string): number {
  return (fromBeijingTime(`${date} 00:00:00`) ?? 0) + READY_AFTER_MS;
}

async function readLocation(context: ChannelContext, data: JsonObject): Promise<BillOutcome> {
  const address = URL.parse(textOf(data, "download_url") ?? "");
  const sha1 = textOf(data, "hash_value")?.toLowerCase();
  if (!address || textOf(data, "hash_type") !== "SHA1" || !sha1) {
    return unknown("unreadable", "the answer does not say where the bill lies and what its SHA-1 is");
  }
  const download = await signRequest(context, { method: "GET", path: address.pathname + address.search });
  // Whether it lies at the channel's own origin is checked where it is fetched.
  return { kind: "located", download: { ...download, url: address.href }, compression: "gzip", sha1 };
}

export const bills: Bills = {
  kinds: ["trade", "fund_flow"],
  ready_at: "10:00",
  kept_ms: 90 * 86_400_000,
  origins: (account) => [new URL(openWechatAccount(account).base_url).origin],
  locate,
  formats: { trade: tradeFormat, fund_flow: fundFormat },
};
