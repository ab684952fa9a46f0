/** Decides, from the payment and the device alone, what a page shows. Pure: the same input gives the same scene. */
import type { Choice, FormFields, Obstacle, ReturnLink, Scene, Wallet } from "../../../../web/cashier/view.ts";
import type { Method } from "../../channels/contract.ts";
import { type Addresses, isWebAddress, returnAddress } from "./addresses.ts";
import type { Device } from "./device.ts";
import { drawQr } from "./qr-image.ts";
import type { CashierPayment } from "./service.ts";

export interface SceneInput {
  readonly payment: CashierPayment;
  readonly device: Device;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly addresses: Addresses;
  /** The cashier's absolute address: what the QR code says. */
  readonly absolute_url: string;
  /** `view` shows the attempt under way, `bridge` opens it in WeChat, `enter` offers the ways to pay. */
  readonly mode: "enter" | "view" | "bridge";
  readonly jsbridge_url: string | undefined;
}

const isOpen = (payment: CashierPayment) => payment.status === "created" || payment.status === "processing";

/** Whether an attempt may be started now. */
export function isPayable(payment: CashierPayment, now: number): boolean {
  return isOpen(payment) && now < payment.expires_at;
}

/** Changes whenever the page should. Opaque to the browser. */
export function revisionOf(payment: CashierPayment, now: number): string {
  const attempt = payment.attempt ? `${payment.attempt.method}-${payment.attempt.action.type}` : "none";
  return `${payment.status}.${attempt}${isOpen(payment) && now >= payment.expires_at ? ".late" : ""}`;
}

export function sceneOf(input: SceneInput): Scene {
  const { payment, now } = input;
  const back = backOf(payment);
  if (payment.status === "succeeded" || payment.status === "closed" || payment.status === "failed") {
    return { kind: payment.status, back };
  }
  if (now >= payment.expires_at) {
    // Somebody may still have paid in time: only the channel's answer ends a payment that was tried.
    return payment.attempt
      ? { kind: "confirming", resume_url: undefined, other_url: undefined }
      : { kind: "expired", back };
  }
  return openScene(input);
}

function openScene(input: SceneInput): Scene {
  const { payment, device, addresses, mode } = input;
  const choices = choicesFor(payment.methods, device, addresses);
  const attempt = payment.attempt;
  if (mode === "bridge" && attempt?.action.type === "jsapi") {
    const script_url = payment.livemode ? undefined : input.jsbridge_url;
    return { kind: "bridge", parameters: JSON.stringify(attempt.action.parameters), script_url };
  }
  const transfer = transferScene(input, choices);
  if (transfer) return transfer;
  if (device === "pc" && !(mode === "view" && attempt && opensHere(attempt.method))) {
    return scanScene(input, choices) ?? chooseScene(input, choices);
  }
  if (mode === "view" && attempt) {
    const leads = attempt.action.type === "redirect" || attempt.action.type === "form";
    const redirects = leads && (device === "pc" || device === "phone");
    const resume_url = redirects ? addresses.go : addresses.enter;
    return { kind: "confirming", resume_url, other_url: redirects ? addresses.enter : undefined };
  }
  return chooseScene(input, choices);
}

const DAY_MS = 86_400_000;

/** The account to transfer to; also at the entrance, where there is nothing else to choose. */
function transferScene({ payment, now, mode, addresses }: SceneInput, choices: readonly Choice[]): Scene | undefined {
  const action = payment.attempt?.action;
  if (action?.type !== "bank_transfer") return undefined;
  const others = choices.some(({ by }) => by !== "transfer") || scanningWallets(payment.methods).length > 0;
  if (mode !== "view" && others) return undefined;
  const { type: _, bank_code, ...details } = action;
  const left_ms = payment.expires_at - now;
  const days = left_ms > DAY_MS ? Math.floor(left_ms / DAY_MS) : undefined;
  return {
    kind: "transfer",
    details: { ...details, bank_code },
    days,
    other_url: others ? addresses.enter : undefined,
  };
}

function chooseScene({ payment, device, absolute_url }: SceneInput, choices: readonly Choice[]): Scene {
  if (choices.length > 0) return { kind: "choose", choices };
  return {
    kind: "impossible",
    obstacle: obstacleFor(payment.methods, device),
    address: absolute_url,
    back: backOf(payment),
  };
}

/** On a PC: our own address as a code for every wallet that can pay from it, else the attempt's own code. */
function scanScene({ payment, absolute_url }: SceneInput, choices: readonly Choice[]): Scene | undefined {
  const attempt = payment.attempt;
  const wallets = scanningWallets(payment.methods);
  if (attempt?.action.type === "qr_code" && !wallets.includes(walletOf(attempt.method))) {
    const others = choices.filter((choice) => choice.method !== attempt.method);
    const qr = drawQr(attempt.action.qr_code);
    return { kind: "scan", qr, wallets: [walletOf(attempt.method)], scanned_by: undefined, choices: others };
  }
  if (wallets.length === 0) return undefined;
  const scanned_by = attempt && opensOnPhone(attempt.method) ? walletOf(attempt.method) : undefined;
  return { kind: "scan", qr: drawQr(absolute_url), wallets, scanned_by, choices };
}

/** The ways to pay that the payer may choose on this device, in the merchant's order. */
export function choicesFor(methods: readonly Method[], device: Device, addresses: Addresses): Choice[] {
  const inWallet = device === "wechat" || device === "alipay" || device === "unionpay";
  return methods.flatMap((method) => {
    const by = offer(method, device, methods);
    const href = inWallet && by === "app" ? addresses.enter : undefined;
    return by ? [{ method, wallet: walletOf(method), by, href }] : [];
  });
}

function offer(method: Method, device: Device, methods: readonly Method[]): Choice["by"] | undefined {
  if (method === "bank.transfer") return "transfer";
  if (device === "wechat") return method === "wechat.jsapi" ? "app" : undefined;
  if (device === "alipay") return method === "alipay.wap" ? "app" : undefined;
  if (device === "unionpay" && method === "unionpay.jsapi") return "app";
  if (method === "unionpay.web")
    return device === "unionpay" && methods.includes("unionpay.jsapi") ? undefined : "page";
  if (device === "unionpay") return undefined;
  if (isCheckout(method)) return "page";
  if (device === "phone") return method === "wechat.h5" || method === "alipay.wap" ? "app" : undefined;
  if (method === "alipay.page") return "page";
  // A channel's own code is for the wallets that our own address does not serve.
  const isCode = method === "wechat.native" || method === "alipay.qr" || method === "unionpay.qr";
  return isCode && !scanningWallets(methods).includes(walletOf(method)) ? "code" : undefined;
}

/** Pages that any browser opens but a wallet's own, where they may be refused. */
const isCheckout = (method: Method) => method.endsWith(".checkout");

const scanning: Partial<Record<Method, Wallet>> = {
  "wechat.jsapi": "wechat",
  "alipay.wap": "alipay",
  "unionpay.jsapi": "unionpay",
};

/** The wallets that can pay after scanning the cashier's own address. */
function scanningWallets(methods: readonly Method[]): Wallet[] {
  return methods.flatMap((method) => scanning[method] ?? []);
}

/** What keeps the payer from paying on this device, as the thing to do instead. */
function obstacleFor(methods: readonly Method[], device: Device): Obstacle {
  const offers = (method: Method) => methods.includes(method);
  if (device !== "wechat" && offers("wechat.jsapi")) return "use_wechat";
  if (device !== "alipay" && offers("alipay.wap")) return "use_alipay";
  const inWallet = device !== "phone" && device !== "pc";
  if (inWallet && methods.some(isCheckout)) return "use_browser";
  if (device !== "phone" && (offers("wechat.h5") || offers("unionpay.web"))) return "use_phone";
  if (device !== "unionpay" && offers("unionpay.jsapi")) return "use_unionpay";
  const onComputer: Method[] = ["wechat.native", "alipay.qr", "alipay.page", "unionpay.qr"];
  return device !== "pc" && onComputer.some(offers) ? "use_computer" : "no_methods";
}

/** The wallet behind a method. */
export function walletOf(method: Method): Wallet {
  if (method.startsWith("unionpay.")) return "unionpay";
  if (method.startsWith("bank.")) return "bank";
  if (method.startsWith("stripe.")) return "stripe";
  if (method.startsWith("paypal.")) return "paypal";
  return method.startsWith("wechat.") ? "wechat" : "alipay";
}

const opensOnPhone = (method: Method) => ["wechat.jsapi", "wechat.h5", "alipay.wap", "unionpay.jsapi"].includes(method);
const opensHere = (method: Method) => method === "alipay.page" || method === "unionpay.web" || isCheckout(method);

function backOf(payment: CashierPayment): ReturnLink | undefined {
  const url = returnAddress(payment);
  return url === undefined ? undefined : { url };
}

/** The wallet's page of the attempt under way, or undefined when it has none that a browser can open. */
export function handoffOf(
  payment: CashierPayment,
): { wallet: Wallet; url: string; fields: FormFields | undefined } | undefined {
  const { method, action } = payment.attempt ?? {};
  if (!method || !action || (action.type !== "redirect" && action.type !== "form")) return undefined;
  if (!isWebAddress(action.url)) return undefined;
  return { wallet: walletOf(method), url: action.url, fields: action.type === "form" ? action.fields : undefined };
}
