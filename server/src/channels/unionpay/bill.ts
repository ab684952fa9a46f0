/**
 * Bills by file transfer (文件传输, 76): the answer itself carries the file, base64 of a deflated zip with fixed-width GBK
 * files. A day of UnionPay's goes from 23:00 to 23:00 in Beijing.
 */
import { promisify } from "node:util";
import { inflate } from "node:zlib";
import { fromRfc3339 } from "../beijing-time.ts";
import type { BillInput, BillOutcome, Bills, ChannelContext, Operation } from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { interpretRefusal, unknown } from "../refusal.ts";
import { tradeFormat } from "./bill-lines.ts";
import { openUnionpayAccount } from "./config.ts";
import { billRefusals, NO_FILE } from "./errors.ts";
import { signPost } from "./sign.ts";
import { toCompactTime } from "./times.ts";
import { readAnswer } from "./verify.ts";

const READY_AT = "09:00";
const RETRY_AFTER_MS = 1_800_000;
/** How long after its hour a missing file is taken to be late, and not to be one of a day without transactions. */
const LATE_MS = 86_400_000;
/** A zip file hardly deflates: this is more than an answer can hold, unless it was made to explode. */
const ZIP_BYTES_MAX = 128 * 1_048_576;

const inflateZip = promisify(inflate);

const locate: Operation<BillInput, BillOutcome> = {
  toRequest(context, { date }) {
    return signPost(context, openUnionpayAccount(context.account).file_url, {
      txnType: "76",
      txnSubType: "01",
      bizType: "000000",
      txnTime: toCompactTime(context.clock.now()),
      settleDate: settleDateOf(date),
      fileType: "00",
    });
  },
  async fromResponse(context, { date }, response) {
    const answer = readAnswer(context, undefined, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused")
      return answer.code === NO_FILE ? readMissing(context, date) : interpretRefusal(billRefusals, answer);
    const { settleDate, fileContent } = answer.data;
    const differences = differenceOf("settleDate", settleDateOf(date), settleDate);
    if (differences.length > 0) return unknown("integrity", differences.join("; "));
    if (!fileContent) return unknown("unreadable", "the answer has no fileContent");
    const content = await inflateZip(Buffer.from(fileContent, "base64"), { maxOutputLength: ZIP_BYTES_MAX });
    return { kind: "content", content, compression: "zip" };
  },
};

/** MMDD: it lacks its year, and means the last such day. */
function settleDateOf(date: string): string {
  return date.slice(5).replace("-", "");
}

/** One code for a file that is not made yet and for a day on which nothing went through: only time tells them apart. */
function readMissing({ clock }: ChannelContext, date: string): BillOutcome {
  const due_at = (fromRfc3339(`${date}T${READY_AT}:00+08:00`) ?? 0) + 86_400_000;
  if (clock.now() < due_at + LATE_MS) return { kind: "not_ready", retry_after_ms: RETRY_AFTER_MS };
  return { kind: "empty" };
}

export const bills: Bills = {
  kinds: ["trade"],
  ready_at: READY_AT,
  kept_ms: 30 * 86_400_000,
  origins: (account) => [new URL(openUnionpayAccount(account).file_url).origin],
  locate,
  formats: { trade: tradeFormat },
};
