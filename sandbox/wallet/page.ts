/** HTML of the wallet: server-rendered, no script needed, Chinese first and English beside it. */

/** Text made safe for HTML. */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (letter) => entities[letter]!);
}

/** How a page looks: WeChat's green, Alipay's blue, UnionPay's red, Stripe's violet, PayPal's dark blue, or none. */
export type Theme = "wechat" | "alipay" | "unionpay" | "stripe" | "paypal" | "plain";

const titles: Record<Theme, string> = {
  wechat: "微信支付 WeChat Pay",
  alipay: "支付宝 Alipay",
  unionpay: "云闪付 UnionPay",
  stripe: "Stripe Checkout",
  paypal: "PayPal",
  plain: "模拟钱包 Wallet",
};

/** A whole page around `content` (HTML). `result` tells a surrounding frame how the payment ended. */
export function renderPage(theme: Theme, content: string, result?: string): string {
  const ended = result === undefined ? "" : ` data-result="${escapeHtml(result)}"`;
  return `<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${titles[theme]} · 模拟 Simulation</title>
<link rel="stylesheet" href="/wallet/wallet.css">
</head>
<body class="${theme}"${ended}>
<div class="phone">
<p class="ribbon">模拟环境，不涉及真实资金 · <span lang="en">Simulation, no real money</span></p>
<header><h1>${titles[theme]}</h1></header>
<main>
${content}
</main>
<footer><a href="/wallet">模拟钱包 <span lang="en">Simulated wallet</span></a></footer>
</div>
<script src="/wallet/sheet.js"></script>
</body>
</html>
`;
}

/** A form that posts hidden fields by one button. */
export function renderButton(
  action: string,
  fields: Record<string, string>,
  style: string,
  label: string,
  english: string,
): string {
  const inputs = Object.entries(fields)
    .map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`)
    .join("");
  return `<form method="post" action="${action}">${inputs}<button class="${style}">${label} <span lang="en">${english}</span></button></form>`;
}

/** A large sign with a sentence below it. */
export function renderOutcome(
  sign: "done" | "failed" | "left" | "closed",
  title: string,
  english: string,
  detail = "",
): string {
  const signs = { done: "✓", failed: "!", left: "–", closed: "×" };
  return `<section class="outcome ${sign}"><p class="sign" aria-hidden="true">${signs[sign]}</p>
<h2>${title}</h2><p lang="en">${english}</p>${detail === "" ? "" : `<p class="detail">${escapeHtml(detail)}</p>`}</section>`;
}
