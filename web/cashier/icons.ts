/** The cashier's few drawings. Each is decoration beside a text that says the same, so it is hidden from readers. */
import { type Html, html } from "./html.ts";
import type { Wallet } from "./view.ts";

/** A wallet's sign in its own colour. */
export function walletIcon(wallet: Wallet): Html {
  return icons[wallet];
}

const wechatIcon = html`<svg class="wallet wechat" viewBox="0 0 32 32" aria-hidden="true" focusable="false"><rect width="32" height="32" rx="8"/><path class="ink" d="M13.1 7.6c-4.3 0-7.8 2.8-7.8 6.3 0 2 1.1 3.8 2.9 5l-.7 2.2 2.6-1.3c.9.3 1.9.4 3 .4h.6a5.2 5.2 0 0 1-.2-1.5c0-3.2 3.1-5.8 6.9-5.8h.4c-.7-3-3.9-5.3-7.7-5.3z"/><path class="ink" d="M26.9 18.7c0-2.9-2.9-5.2-6.4-5.2s-6.4 2.3-6.4 5.2 2.9 5.2 6.4 5.2c.8 0 1.5-.1 2.2-.3l2.1 1.1-.6-1.8c1.6-1 2.7-2.5 2.7-4.2z"/><g class="eye"><circle cx="10.5" cy="12" r="1"/><circle cx="15.6" cy="12" r="1"/><circle cx="18.4" cy="17.2" r=".85"/><circle cx="22.6" cy="17.2" r=".85"/></g></svg>`;

const alipayIcon = html`<svg class="wallet alipay" viewBox="0 0 32 32" aria-hidden="true" focusable="false"><rect width="32" height="32" rx="8"/><path class="line" d="M8 10h16M16 6.5V14M9.5 14h13c-.8 3.2-2.6 6-5 8-2.3 1.9-4.8 2.8-6.7 2.5-2-.3-3.1-1.9-2.7-3.4.4-1.7 2.4-2.7 4.7-2.4 3.4.5 7.2 2.7 12.2 5.3"/></svg>`;

const unionpayIcon = html`<svg class="wallet unionpay" viewBox="0 0 32 32" aria-hidden="true" focusable="false"><rect width="32" height="32" rx="8"/><path class="ink" d="M6.5 10h19a1.5 1.5 0 0 1 1.5 1.5v1.3H5v-1.3A1.5 1.5 0 0 1 6.5 10zM5 15.2h22v5.3a1.5 1.5 0 0 1-1.5 1.5h-19A1.5 1.5 0 0 1 5 20.5z"/></svg>`;

const bankIcon = html`<svg class="wallet bank" viewBox="0 0 32 32" aria-hidden="true" focusable="false"><rect width="32" height="32" rx="8"/><path class="line" d="M6.5 13L16 7.5l9.5 5.5zM9.5 16v6M14 16v6M18 16v6M22.5 16v6M7 25h18"/></svg>`;
const cardIcon = html`<svg class="wallet stripe" viewBox="0 0 32 32" aria-hidden="true" focusable="false"><rect width="32" height="32" rx="8"/><path class="line" d="M7.5 9.5h17a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2h-17a2 2 0 0 1-2-2v-9a2 2 0 0 1 2-2zM5.5 14h21M9.5 18.5h5"/></svg>`;

const paypalIcon = html`<svg class="wallet paypal" viewBox="0 0 32 32" aria-hidden="true" focusable="false"><rect width="32" height="32" rx="8"/><path class="line" d="M11 24.5l2.3-16h5.2c3 0 4.9 1.9 4.4 4.7-.5 3-2.8 4.8-6 4.8h-4.7"/></svg>`;

const icons: Readonly<Record<Wallet, Html>> = {
  wechat: wechatIcon,
  alipay: alipayIcon,
  unionpay: unionpayIcon,
  bank: bankIcon,
  stripe: cardIcon,
  paypal: paypalIcon,
};

/** A round sign of the page's state. */
export function stateIcon(state: "succeeded" | "stopped" | "waiting" | "phone" | "attention"): Html {
  if (state === "waiting") return html`<span class="sign waiting" aria-hidden="true"></span>`;
  return html`<svg class="sign ${state}" viewBox="0 0 64 64" aria-hidden="true" focusable="false"><circle cx="32" cy="32" r="30"/>${strokes[state]}</svg>`;
}

const strokes = {
  succeeded: html`<path d="M20 33.5l8.5 8.5L45 24.5"/>`,
  stopped: html`<path d="M32 18v15l9 6"/>`,
  phone: html`<rect x="23" y="16" width="18" height="32" rx="4"/><path d="M30 42.5h4"/>`,
  attention: html`<path d="M32 19v16M32 43.5v.1"/>`,
};

export const chevron: Html = html`<svg class="chevron" viewBox="0 0 16 16" aria-hidden="true" focusable="false"><path d="M6 3.5L10.5 8 6 12.5"/></svg>`;
