/** What WeChat Pay's answers say of receivers and of what each of them got. */
import type { SharedPart, ShareInput, SharingMoveOutcome, SharingPart, SharingReceiver, Unknown } from "../contract.ts";
import { differenceOf, echoedMoney } from "../integrity.ts";
import { unknown } from "../refusal.ts";
import { asObject, integerOf, type JsonObject, textOf } from "../wire-json.ts";
import { interpretWechatRefusal, receiverRefusals } from "./errors.ts";
import type { WechatAnswer } from "./verify.ts";

/** A receiver that was added or removed; either may be repeated. */
export function readReceiver(receiver: SharingReceiver, answer: WechatAnswer): SharingMoveOutcome {
  if (answer.kind === "unknown") return answer;
  if (answer.kind === "refused") return interpretWechatRefusal(receiverRefusals, answer);
  const [difference] = differenceOf("account", receiver.account, textOf(answer.data, "account"));
  return difference ? unknown("integrity", "the answer is about another receiver") : { kind: "succeeded" };
}

/** The parts in the order in which they were asked for; each must be there with the amount that was asked. */
export function readParts({ parts }: ShareInput, data: JsonObject): SharedPart[] | Unknown {
  const rows = Array.isArray(data.receivers) ? data.receivers.map(asObject) : [];
  const found: SharedPart[] = [];
  for (const part of parts) {
    // The merchant's own row, of what was released, stands among them and is nobody's part.
    const index = rows.findIndex((row) => textOf(row, "account") === part.receiver.account);
    if (index < 0) return unknown("unreadable", "a receiver is missing from the answer");
    const [row] = rows.splice(index, 1);
    const read = readPart(part, row);
    if ("reason" in read) return read;
    found.push(read);
  }
  return found;
}

function readPart(part: SharingPart, row: JsonObject | undefined): SharedPart | Unknown {
  const amount = echoedMoney(integerOf(row, "amount"), "CNY");
  if (amount?.amount !== part.amount.amount) return unknown("integrity", "a part has another amount than was asked");
  const { kind, account } = part.receiver;
  const told = { receiver: { kind, account }, amount: part.amount };
  const result = textOf(row, "result");
  switch (result) {
    case "PENDING":
      return { ...told, status: "pending" };
    case "SUCCESS":
      return { ...told, status: "succeeded" };
    case "CLOSED": {
      const code = textOf(row, "fail_reason") ?? "CLOSED";
      return { ...told, status: "failed", failure: { code, message: `WeChat Pay closed the part: ${code}` } };
    }
    default:
      return unknown("unreadable", `the result ${result ?? "(none)"} of a part is not known`);
  }
}
