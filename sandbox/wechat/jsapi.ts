/**
 * A stand-in for what WeChat's own browser does on `getBrandWCPayRequest`: it checks the paySign and finds the trade.
 * (`wx.chooseWXPay` takes the same parameters.)
 */
import type { Sandbox } from "../context.ts";
import { verifyRsa } from "../kit/crypto.ts";
import { ControlError, type Fields } from "../kit/input.ts";
import type { WechatTrade } from "./state.ts";

function text(fields: Fields, key: string): string {
  const value = fields[key];
  if (typeof value !== "string" || value === "")
    throw new ControlError(400, `缺少参数 ${key} (missing, or not a string)`);
  return value;
}

/** The trade of an invocation. Throws ControlError 400 with the reason when the wallet would not open. */
export function verifyInvocation(sandbox: Sandbox, fields: Fields): WechatTrade {
  const [appId, timeStamp, nonceStr] = [text(fields, "appId"), text(fields, "timeStamp"), text(fields, "nonceStr")];
  const [prepay, signType, paySign] = [text(fields, "package"), text(fields, "signType"), text(fields, "paySign")];
  if (signType !== "RSA") throw new ControlError(400, "signType 应为 RSA (must be RSA)");
  if (!/^\d{10}$/.test(timeStamp)) throw new ControlError(400, "timeStamp 应为秒 (must be seconds)");
  const trade = sandbox.wechat.by_link.get(prepay.replace(/^prepay_id=/, ""));
  if (trade === undefined || !prepay.startsWith("prepay_id="))
    throw new ControlError(400, "package 无效 (unknown prepay_id)");
  if (trade.kind !== "jsapi") throw new ControlError(400, "该订单不是 JSAPI 订单 (not a jsapi order)");
  if ((trade.payer_appid ?? trade.appid) !== appId)
    throw new ControlError(400, "appId 与下单不一致 (not the order's appid)");
  const key = sandbox.wechat.members.get(trade.mchid)?.merchant_key;
  if (key === undefined || !verifyRsa(`${appId}\n${timeStamp}\n${nonceStr}\n${prepay}\n`, paySign, key)) {
    throw new ControlError(400, "支付验证签名失败 (paySign does not verify)");
  }
  return trade;
}
