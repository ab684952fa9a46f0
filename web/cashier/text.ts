/** Every sentence that a payer reads, in both languages. */
import type { Choice, Language, Obstacle, Wallet } from "./view.ts";

export interface Texts {
  readonly lang: string;
  readonly wallet: Readonly<Record<Wallet, string>>;
  readonly to_pay: string;
  readonly order_number: string;
  readonly languages: string;
  readonly test_banner: string;
  readonly footer: string;
  readonly scan_title: string;
  scanHint(wallets: readonly Wallet[]): string;
  scanLabel(wallets: readonly Wallet[]): string;
  readonly scan_help: string;
  scanned(wallet: Wallet): string;
  readonly scanned_hint: string;
  readonly or_here: string;
  readonly or_other: string;
  readonly choose_title: string;
  readonly choose_hint: string;
  readonly choose_hint_app: string;
  choice(by: Choice["by"], wallet: Wallet): string;
  readonly choice_hint: Readonly<Record<Choice["by"], string>>;
  readonly opening: string;
  readonly bridge_title: string;
  readonly bridge_hint: string;
  readonly bridge_pay: string;
  readonly bridge_cancelled: string;
  readonly bridge_failed: string;
  readonly bridge_absent: string;
  readonly needs_script: string;
  handoffTitle(wallet: Wallet): string;
  readonly handoff_hint: string;
  readonly handoff_link: string;
  readonly transfer_title: string;
  readonly transfer_hint: string;
  readonly transfer: Readonly<
    Record<"bank_name" | "bank_code" | "account_name" | "account_number" | "amount" | "reference", string>
  >;
  readonly transfer_copy: string;
  readonly transfer_copied: string;
  transferDays(days: number): string;
  readonly transfer_wait: string;
  readonly confirming_title: string;
  readonly confirming_hint: string;
  readonly confirming_resume: string;
  readonly confirming_other: string;
  readonly succeeded_title: string;
  succeededHint(merchant_name: string): string;
  readonly closed_title: string;
  readonly closed_hint: string;
  readonly expired_title: string;
  readonly expired_hint: string;
  readonly failed_title: string;
  readonly failed_hint: string;
  readonly back_to: string;
  readonly back_soon: string;
  readonly stay: string;
  readonly may_close: string;
  readonly impossible_title: string;
  readonly obstacle: Readonly<Record<Obstacle, string>>;
  readonly copy_address: string;
  readonly copied: string;
  readonly refused_title: string;
  readonly refused_hint: string;
  readonly refused_said: string;
  readonly refused_unavailable_title: string;
  readonly refused_unavailable: string;
  readonly refused_unidentified_title: string;
  readonly refused_unidentified: string;
  readonly choose_again: string;
  readonly time_left: string;
  readonly offline: string;
  readonly request_number: string;
  readonly message: Readonly<
    Record<"not_found" | "error" | "busy" | "forbidden", readonly [title: string, hint: string]>
  >;
  readonly reload: string;
}

const cards = { stripe: "Stripe", paypal: "PayPal" };
const zhWallets = { wechat: "微信支付", alipay: "支付宝", unionpay: "银联", bank: "银行转账", ...cards };
const zhApps = { wechat: "微信", alipay: "支付宝", unionpay: "云闪付", bank: "手机银行", ...cards };
const enWallets = { wechat: "WeChat Pay", alipay: "Alipay", unionpay: "UnionPay", bank: "Bank transfer", ...cards };
const enApps = { wechat: "WeChat", alipay: "Alipay", unionpay: "the UnionPay app", bank: "your bank's app", ...cards };

/** Pages on which the payer types a card instead of logging in. */
const zhPages: Partial<Record<Wallet, string>> = { unionpay: "银联卡付款", stripe: "银行卡付款" };
const enPages: Partial<Record<Wallet, string>> = { unionpay: "UnionPay card", stripe: "Card" };

const zh: Texts = {
  lang: "zh-CN",
  wallet: zhWallets,
  to_pay: "支付金额",
  order_number: "订单号",
  languages: "语言",
  test_banner: "不会产生真实扣款",
  footer: "由汇流 Tributary 提供支付服务",
  scan_title: "扫码支付",
  scanHint: (wallets) => `打开${wallets.map((wallet) => zhApps[wallet]).join("或")}，扫一扫完成支付`,
  scanLabel: (wallets) => `付款二维码，请用${wallets.map((wallet) => zhApps[wallet]).join("或")}扫描`,
  scan_help: "支付完成后，本页会自动更新",
  scanned: (wallet) => `已在${zhApps[wallet]}中打开`,
  scanned_hint: "请在手机上完成支付，本页会自动更新",
  or_here: "或在此浏览器中支付",
  or_other: "或换一种方式",
  choose_title: "选择支付方式",
  choose_hint: "选择后按提示完成付款",
  choose_hint_app: "将打开对应的应用完成支付",
  choice: (by, wallet) =>
    ({
      app: zhWallets[wallet],
      page: zhPages[wallet] ?? `登录${zhWallets[wallet]}付款`,
      code: `用${zhApps[wallet]}扫码`,
      transfer: zhWallets[wallet],
    })[by],
  choice_hint: { app: "打开应用付款", page: "前往官方页面", code: "显示专用二维码", transfer: "显示收款账户" },
  opening: "正在打开…",
  bridge_title: "确认支付",
  bridge_hint: "将使用微信支付完成付款",
  bridge_pay: "立即支付",
  bridge_cancelled: "支付已取消，可重新支付",
  bridge_failed: "微信未能完成这次支付，请重试",
  bridge_absent: "请在微信中打开本页",
  needs_script: "此步骤需要启用 JavaScript。",
  handoffTitle: (wallet) => `正在前往${zhWallets[wallet]}`,
  handoff_hint: "即将跳转到官方支付页面",
  handoff_link: "没有跳转？点此继续",
  transfer_title: "请转账到以下账户",
  transfer_hint: "请按金额一次转足，并在附言或备注中填写下方的附言码。",
  transfer: {
    bank_name: "开户行",
    bank_code: "联行号 / SWIFT",
    account_name: "户名",
    account_number: "账号",
    amount: "金额",
    reference: "附言码（必填）",
  },
  transfer_copy: "复制",
  transfer_copied: "已复制",
  transferDays: (days) => `请在 ${days} 天内完成转账。`,
  transfer_wait: "到账经核对后，本页会自动更新。您也可以先关闭，稍后用同一链接查看。",
  confirming_title: "正在确认支付结果",
  confirming_hint: "如果您已付款，请勿重复支付，结果会自动显示在这里。",
  confirming_resume: "尚未付款，继续支付",
  confirming_other: "换一种方式支付",
  succeeded_title: "支付成功",
  succeededHint: (merchant_name) => `您已付款给 ${merchant_name}`,
  closed_title: "订单已关闭",
  closed_hint: "如需购买，请返回商家重新下单。",
  expired_title: "订单已过期",
  expired_hint: "如需购买，请返回商家重新下单。",
  failed_title: "支付未成功",
  failed_hint: "没有扣款。请返回商家重新下单，或联系商家。",
  back_to: "返回商家",
  back_soon: "秒后自动返回商家",
  stay: "留在此页",
  may_close: "现在可以关闭此页面",
  impossible_title: "无法在此处支付",
  obstacle: {
    no_methods: "商家暂未开通可用于这笔订单的支付方式，请联系商家。",
    use_wechat: "商家支持微信支付。请复制链接，在微信中打开。",
    use_alipay: "商家支持支付宝。请复制链接，在支付宝或手机浏览器中打开。",
    use_unionpay: "商家支持云闪付。请复制链接，在云闪付中打开。",
    use_phone: "请复制链接，在手机浏览器中打开。",
    use_computer: "请在电脑上打开此链接，再用手机扫码支付。",
    use_browser: "请复制链接，在手机或电脑的浏览器中打开。",
  },
  copy_address: "复制链接",
  copied: "链接已复制",
  refused_title: "这次支付没有成功",
  refused_hint: "没有扣款。您可以换一种方式，或稍后再试。",
  refused_said: "支付渠道的说明",
  refused_unavailable_title: "暂时无法发起支付",
  refused_unavailable: "没有扣款。请稍后重试，或换一种方式。",
  refused_unidentified_title: "未能确认您的身份",
  refused_unidentified: "没有扣款。请重新打开支付。",
  choose_again: "重新选择支付方式",
  time_left: "剩余支付时间",
  offline: "网络连接中断，正在重试…",
  request_number: "请求编号",
  message: {
    not_found: ["找不到这笔支付", "链接可能不完整，请返回商家重新打开。"],
    error: ["页面出了点问题", "请稍后刷新；如已付款，请勿重复支付。"],
    busy: ["访问过于频繁", "请稍等片刻再刷新。"],
    forbidden: ["请求未被接受", "请从收银台页面发起支付。"],
  },
  reload: "刷新",
};

const en: Texts = {
  lang: "en",
  wallet: enWallets,
  to_pay: "Amount to pay",
  order_number: "Order",
  languages: "Language",
  test_banner: "No real money moves",
  footer: "Payments by Tributary 汇流",
  scan_title: "Scan to pay",
  scanHint: (wallets) => `Scan with ${wallets.map((wallet) => enApps[wallet]).join(" or ")} to pay`,
  scanLabel: (wallets) => `Payment QR code; scan it with ${wallets.map((wallet) => enApps[wallet]).join(" or ")}`,
  scan_help: "This page updates by itself once you have paid",
  scanned: (wallet) => `Opened in ${enApps[wallet]}`,
  scanned_hint: "Finish on your phone; this page updates by itself",
  or_here: "Or pay in this browser",
  or_other: "Or pay another way",
  choose_title: "Choose how to pay",
  choose_hint: "The next page takes you through it",
  choose_hint_app: "The app opens to complete the payment",
  choice: (by, wallet) =>
    ({
      app: enWallets[wallet],
      page: enPages[wallet] ?? `Log in to ${enWallets[wallet]}`,
      code: `Scan with ${enApps[wallet]}`,
      transfer: enWallets[wallet],
    })[by],
  choice_hint: {
    app: "Opens the app",
    page: "On its official page",
    code: "Shows its own QR code",
    transfer: "Shows the account to pay to",
  },
  opening: "Opening…",
  bridge_title: "Confirm payment",
  bridge_hint: "You will pay with WeChat Pay",
  bridge_pay: "Pay now",
  bridge_cancelled: "Payment cancelled. You can try again.",
  bridge_failed: "WeChat could not complete this payment. Please try again.",
  bridge_absent: "Open this page in WeChat.",
  needs_script: "This step needs JavaScript to be turned on.",
  handoffTitle: (wallet) => `Taking you to ${enWallets[wallet]}`,
  handoff_hint: "Its official payment page opens now",
  handoff_link: "Not redirected? Continue here",
  transfer_title: "Transfer to this account",
  transfer_hint: "Transfer the exact amount in one go, and put the reference below into the transfer's message.",
  transfer: {
    bank_name: "Bank",
    bank_code: "Bank code / SWIFT",
    account_name: "Account holder",
    account_number: "Account number",
    amount: "Amount",
    reference: "Reference (required)",
  },
  transfer_copy: "Copy",
  transfer_copied: "Copied",
  transferDays: (days) => `Please transfer within ${days} ${days === 1 ? "day" : "days"}.`,
  transfer_wait:
    "This page updates by itself once the transfer has arrived and was checked. You may close it and open the same link later.",
  confirming_title: "Confirming your payment",
  confirming_hint: "If you have paid, please do not pay again. The result appears here by itself.",
  confirming_resume: "Not paid yet: continue",
  confirming_other: "Pay another way",
  succeeded_title: "Payment successful",
  succeededHint: (merchant_name) => `You have paid ${merchant_name}`,
  closed_title: "This order is closed",
  closed_hint: "To buy, go back to the merchant and place a new order.",
  expired_title: "This order has expired",
  expired_hint: "To buy, go back to the merchant and place a new order.",
  failed_title: "Payment not completed",
  failed_hint: "You were not charged. Go back and place a new order, or contact the merchant.",
  back_to: "Return to merchant",
  back_soon: "seconds until you return to the merchant",
  stay: "Stay here",
  may_close: "You can close this page now",
  impossible_title: "You cannot pay here",
  obstacle: {
    no_methods: "The merchant offers no way to pay this order at the moment. Please contact the merchant.",
    use_wechat: "The merchant takes WeChat Pay. Copy the link and open it in WeChat.",
    use_alipay: "The merchant takes Alipay. Copy the link and open it in Alipay or in your phone's browser.",
    use_unionpay: "The merchant takes UnionPay. Copy the link and open it in the UnionPay app.",
    use_phone: "Copy the link and open it in your phone's browser.",
    use_computer: "Open this link on a computer, then scan the code with your phone.",
    use_browser: "Copy the link and open it in the browser of your phone or computer.",
  },
  copy_address: "Copy link",
  copied: "Link copied",
  refused_title: "This payment did not go through",
  refused_hint: "You were not charged. Choose another way, or try again later.",
  refused_said: "What the payment channel says",
  refused_unavailable_title: "The payment cannot be started right now",
  refused_unavailable: "You were not charged. Try again shortly, or choose another way.",
  refused_unidentified_title: "We could not confirm who you are",
  refused_unidentified: "You were not charged. Please open the payment again.",
  choose_again: "Choose how to pay again",
  time_left: "Time left to pay",
  offline: "Connection lost, retrying…",
  request_number: "Request",
  message: {
    not_found: ["Payment not found", "The link may be incomplete. Go back to the merchant and open it again."],
    error: ["Something went wrong", "Please reload in a moment. If you have already paid, do not pay again."],
    busy: ["Too many requests", "Wait a moment, then reload."],
    forbidden: ["Request not accepted", "Start the payment from the checkout page."],
  },
  reload: "Reload",
};

export const texts: Readonly<Record<Language, Texts>> = { zh, en };
