/** Every channel that exists. Adding one is one line here and one folder beside this file. */
import { alipay } from "./alipay/index.ts";
import { bankTransfer } from "./bank-transfer/index.ts";
import type { Channel, Method } from "./contract.ts";
import { paypal } from "./paypal/index.ts";
import { stripe } from "./stripe/index.ts";
import { unionpay } from "./unionpay/index.ts";
import { wechat } from "./wechat/index.ts";

export const channels: Readonly<Record<string, Channel>> = {
  wechat,
  alipay,
  unionpay,
  stripe,
  paypal,
  bank: bankTransfer,
};

/** The channel of that id, or undefined when there is none. */
export function getChannel(id: string): Channel | undefined {
  return Object.hasOwn(channels, id) ? channels[id] : undefined;
}

/** The channel that offers a method. */
export function channelOfMethod(method: Method): Channel {
  const channel = getChannel(method.slice(0, method.indexOf(".")));
  if (!channel?.pay[method]) throw new Error(`no channel offers ${method}`);
  return channel;
}
