/** The cashier's own addresses. Each is a path; `absolute` makes what wallets and QR codes need. */

export interface Addresses {
  /** Decides by itself what to do for this payer and device, and may start an attempt inside a wallet. */
  readonly enter: string;
  /** Shows the payment and starts nothing: where wallets send back to, and what the script fetches again. */
  readonly view: string;
  /** WeChat's bridge, with the attempt's parameters. Under `enter`, the folder a merchant registers with WeChat. */
  readonly bridge: string;
  readonly status: string;
  readonly attempts: string;
  /** Passes on to the wallet's page of the attempt under way. */
  readonly go: string;
}

export function addressesOf(token: string): Addresses {
  const enter = `/c/${token}`;
  return {
    enter,
    view: `${enter}?view=1`,
    bridge: `${enter}?pay=wechat`,
    status: `${enter}/status`,
    attempts: `${enter}/attempts`,
    go: `${enter}/go`,
  };
}

/** The same path with its language chosen. */
export function withLanguage(path: string, language: string): string {
  return `${path}${path.includes("?") ? "&" : "?"}lang=${language}`;
}

/**
 * The merchant's page with the payment's numbers and state added, or undefined when the payment has none. The address is
 * the one that the merchant gave with its key, never one from a request. The merchant's page must not trust the state.
 */
export function returnAddress(payment: {
  id: string;
  out_trade_no: string;
  status: string;
  return_url: string | undefined;
}): string | undefined {
  if (payment.return_url === undefined || !isWebAddress(payment.return_url)) return undefined;
  const url = new URL(payment.return_url);
  url.searchParams.set("payment", payment.id);
  url.searchParams.set("out_trade_no", payment.out_trade_no);
  url.searchParams.set("status", payment.status);
  return url.href;
}

/** Whether a link may lead there: `javascript:` and the like never get into a page. */
export function isWebAddress(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}
