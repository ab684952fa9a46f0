/** What the control plane can do at WeChat Pay, and with transfers at Alipay. */
import type { FastifyRequest } from "fastify";
import { returnTransfer } from "../alipay/transfer.ts";
import type { Sandbox } from "../context.ts";
import { ControlError, choice, type Fields, optionalText, readFields, requiredText } from "../kit/input.ts";
import { logIn } from "../wechat/oauth.ts";
import { finishSharing } from "../wechat/sharing.ts";
import { decideTransfer, findTransfer } from "../wechat/transfer.ts";

/** A mini program's user logs in. */
function logInToMini(sandbox: Sandbox, request: FastifyRequest): Fields {
  const fields = readFields(request.body, ["channel", "appid", "payer"]);
  choice(fields, "channel", ["wechat"], "wechat");
  return logIn(sandbox, requiredText(fields, "appid"), optionalText(fields, "payer") ?? "payer-1");
}

/** Ends a sharing that a fault keeps under way; `failed` closes its last receiver's part. */
function endSharing(sandbox: Sandbox, request: FastifyRequest): Fields {
  const fields = readFields(request.body, ["sharing", "outcome"]);
  const outcome = choice(fields, "outcome", ["success", "failed"], "success");
  const number = requiredText(fields, "sharing");
  const found = [...sandbox.wechat.sharings.values()].find(({ sharing }) => sharing.out_order_no === number);
  if (found === undefined) throw new ControlError(404, `No sharing ${number}.`);
  finishSharing(sandbox, found.sharing, outcome === "success");
  return { channel: "wechat", sharing: number, parts: found.sharing.parts.map(({ result }) => result) };
}

/** The person confirms a WeChat Pay transfer, or it fails; `accept` goes on with one that a fault keeps accepted. Alipay returns one. */
function endTransfer(sandbox: Sandbox, request: FastifyRequest): Fields {
  const fields = readFields(request.body, ["transfer", "outcome"]);
  const outcome = choice(fields, "outcome", ["confirm", "accept", "fail", "return"], "confirm");
  if (outcome === "return") {
    const { out_biz_no } = returnTransfer(sandbox, requiredText(fields, "transfer"));
    return { channel: "alipay", transfer: out_biz_no, state: "REFUND" };
  }
  const { out_bill_no, state } = decideTransfer(
    sandbox,
    findTransfer(sandbox, requiredText(fields, "transfer")),
    outcome,
  );
  return { channel: "wechat", transfer: out_bill_no, state };
}

type Work = (sandbox: Sandbox, request: FastifyRequest) => Fields;

export const wechat_controls: ["POST", string, Work][] = [
  ["POST", "/login_codes", logInToMini],
  ["POST", "/sharings", endSharing],
  ["POST", "/transfers", endTransfer],
];
