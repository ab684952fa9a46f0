/**
 * Bills: alipay.data.dataservice.bill.downloadurl.query answers an address that is good for 30 seconds. There lies a zip
 * with a detailed and a summary table, both in GBK. A day is a day of Beijing.
 */
import { fromRfc3339 } from "../beijing-time.ts";
import type { BillInput, BillKind, BillOutcome, Bills, ChannelContext, Operation } from "../contract.ts";
import { unknown } from "../refusal.ts";
import { textOf } from "../wire-json.ts";
import { openAlipayAccount } from "./config.ts";
import { billRefusals, interpretAlipayRefusal } from "./errors.ts";
import { fundFormat } from "./fund-lines.ts";
import { signCall } from "./sign.ts";
import { tradeFormat } from "./trade-lines.ts";
import { readAnswer } from "./verify.ts";

const BILL = "alipay.data.dataservice.bill.downloadurl.query";
const READY_AT = "09:00";
const RETRY_AFTER_MS = 1_800_000;
const DAY_MS = 86_400_000;
/** How long after its hour a missing bill is taken to be late, and not to be one of a day on which nothing happened. */
const LATE_MS = DAY_MS;

const OFFICIAL_GATEWAY = "https://openapi.alipay.com";
const OFFICIAL_FILES = "https://dwbillcenter.alipay.com";

const billTypes: Readonly<Record<BillKind, string>> = { trade: "trade", fund_flow: "signcustomer" };

const locate: Operation<BillInput, BillOutcome> = {
  toRequest: (context, { kind, date }) =>
    signCall(context, { method: BILL, biz_content: { bill_type: billTypes[kind], bill_date: date } }),
  fromResponse(context, { date }, response) {
    const answer = readAnswer(context, BILL, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") {
      const outcome = interpretAlipayRefusal(billRefusals, answer);
      return outcome.kind === "not_found" ? readMissing(context, date) : outcome;
    }
    const url = URL.parse(textOf(answer.data, "bill_download_url") ?? "");
    if (!url) return unknown("unreadable", "the answer has no bill_download_url");
    // Alipay writes http, and serves the same over https: a bill is not read by whoever is between.
    if (url.origin === OFFICIAL_FILES.replace("https:", "http:")) url.protocol = "https:";
    return { kind: "located", download: { method: "GET", url: url.href, headers: {} }, compression: "zip" };
  },
};

/** One refusal for a bill that is not made yet and for a day on which nothing happened: only time tells them apart. */
function readMissing({ clock }: ChannelContext, date: string): BillOutcome {
  const due_at = (fromRfc3339(`${date}T${READY_AT}:00+08:00`) ?? 0) + DAY_MS;
  if (clock.now() < due_at + LATE_MS) return { kind: "not_ready", retry_after_ms: RETRY_AFTER_MS };
  return { kind: "empty" };
}

/** Alipay keeps bills since 2016; ten years are asked for at most. */
export const bills: Bills = {
  kinds: ["trade", "fund_flow"],
  ready_at: READY_AT,
  kept_ms: 3_650 * DAY_MS,
  origins(account) {
    const { origin } = new URL(openAlipayAccount(account).gateway);
    return [origin === OFFICIAL_GATEWAY ? OFFICIAL_FILES : origin];
  },
  locate,
  formats: { trade: tradeFormat, fund_flow: fundFormat },
};
