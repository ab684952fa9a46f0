/**
 * Messages to an application's own gateway (应用网关): a form in GBK, signed over its bytes. Alipay sends them to the address
 * that the application has on the open platform, and not at all where it has none.
 */
import type { Sandbox } from "../context.ts";
import { signRsa, spoilSignature } from "../kit/crypto.ts";
import type { Message, Notice, Parcel } from "../kit/deliveries.ts";
import type { FaultName } from "../kit/faults.ts";
import { encodeGbk } from "../kit/gbk.ts";
import type { Fields } from "../kit/input.ts";
import { signingText } from "./answer.ts";
import { alipay_schedule_s } from "./notice.ts";
import type { AlipayTransfer } from "./state.ts";

/** Every byte but letters, digits and `-._` escaped, as forms of bytes are. */
function escapeBytes(bytes: Buffer): string {
  return [...bytes]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[\w.-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}

async function compose(
  sandbox: Sandbox,
  transfer: AlipayTransfer,
  notice: Notice,
  url: string,
  mutation: FaultName | undefined,
): Promise<Message> {
  const member = sandbox.alipay.members.get(transfer.signer_id);
  if (member === undefined) throw new Error(`Application ${transfer.signer_id} is gone.`);
  const parameters: Record<string, string> = {
    ...notice.facts,
    utc_timestamp: String(sandbox.clock.now()),
    notify_id: notice.id,
  };
  const signature = await signRsa(encodeGbk(signingText(parameters, [])), member.alipay_key);
  const sign = mutation === "notice_bad_signature" ? spoilSignature(signature) : signature;
  if (mutation === "notice_tampered") parameters.biz_content = `${parameters.biz_content} `;
  const body = Object.entries({ ...parameters, sign, sign_type: "RSA2" })
    .map(([name, value]) => `${name}=${escapeBytes(encodeGbk(value))}`)
    .join("&");
  return { url, headers: { "Content-Type": "application/x-www-form-urlencoded; charset=GBK" }, body };
}

/** alipay.fund.trans.order.changed: a transfer has ended. */
export function announceTransfer(sandbox: Sandbox, transfer: AlipayTransfer, described: Fields): void {
  const url = sandbox.alipay.members.get(transfer.signer_id)?.merchant.app_gateway;
  if (url === undefined) return;
  const { code: _, msg: __, ...facts } = described;
  const content = {
    ...facts,
    action_type: "FINISH",
    product_code: "TRANS_ACCOUNT_NO_PWD",
    biz_scene: "DIRECT_TRANSFER",
  };
  const notice: Notice = {
    id: sandbox.random.hex(34),
    event: "transfer",
    facts: {
      msg_method: "alipay.fund.trans.order.changed",
      app_id: transfer.signer_id,
      version: "1.1",
      charset: "GBK",
      biz_content: JSON.stringify(content),
    },
    created_at_ms: sandbox.clock.now(),
    attempts: 0,
    status: "pending",
  };
  const parcel: Parcel = {
    channel: "alipay",
    merchant: transfer.app_id,
    trade: transfer.out_biz_no,
    notice,
    schedule_s: alipay_schedule_s,
    reply_limit_ms: 10_000,
    compose: (mutation) => compose(sandbox, transfer, notice, url, mutation),
    accepts: (status, body) => status === 200 && body.trim().toLowerCase() === "success",
  };
  setImmediate(() => sandbox.deliveries.send(parcel));
}
