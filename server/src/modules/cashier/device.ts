/** Where the payer stands, told by the browser's own words: it decides only what is offered, never what is allowed. */

/** `wechat`, `alipay` and `unionpay` are the wallets' own browsers; `phone` any other browser of a phone or tablet. */
export type Device = "pc" | "wechat" | "alipay" | "unionpay" | "phone";

const PHONE = /Android|iPhone|iPad|iPod|Mobile|HarmonyOS|OpenHarmony|Windows Phone/i;

/**
 * The device of a `User-Agent`. WeChat says `MicroMessenger`, as WeCom (`wxwork`) does, which cannot pay by JSAPI; Alipay
 * says `AlipayClient`, or `AliApp(AP` in older versions; UnionPay's app says `UnionPay/1.0 CloudPay`.
 */
export function detectDevice(user_agent: string | undefined): Device {
  const agent = user_agent ?? "";
  if (/MicroMessenger/i.test(agent) && !/wxwork/i.test(agent)) return "wechat";
  if (/AlipayClient|AliApp\(AP/i.test(agent)) return "alipay";
  if (/UnionPay\/1\.0 CloudPay/i.test(agent)) return "unionpay";
  return PHONE.test(agent) ? "phone" : "pc";
}
