/**
 * What the cashier does in the browser beyond its plain links and forms: it follows the payment's state, counts down,
 * opens WeChat's bridge, goes on to a wallet's page and back to the merchant. Every page also works without it, except
 * the bridge. Types are stripped as the server starts; there is no build, so this file imports nothing.
 */

const POLL_MS = 2000;
const POLL_MS_MAX = 10_000;
/** Somebody who is back from a wallet looks at the screen: the answer is usually there already. */
const POLL_MS_BACK = 500;
/** Polls at full pace (one minute); a page left open asks less and less. */
const POLLS_AT_PACE = 30;
const RETURN_S = 5;

interface BridgeAnswer {
  err_msg?: string;
}
interface WechatBridge {
  invoke(name: string, parameters: unknown, callback: (answer: BridgeAnswer) => void): void;
}
declare global {
  interface Window {
    WeixinJSBridge?: WechatBridge;
  }
}

let polls = 0;
let delay_ms = POLL_MS;
let pollTimer: number | undefined;
let tick: number | undefined;

const find = (selector: string) => document.querySelector<HTMLElement>(selector);
const main = () => document.querySelector<HTMLElement>("main")!;

function announce(text: string): void {
  const live = find("#live")!;
  if (live.textContent !== text) live.textContent = text;
}

/* The payment's state. */

function schedulePoll(after_ms: number): void {
  clearTimeout(pollTimer);
  if (main().dataset.statusUrl && !document.hidden) pollTimer = setTimeout(poll, after_ms);
}

async function poll(): Promise<void> {
  const { statusUrl, revision, viewUrl, offline } = main().dataset;
  if (!statusUrl || !viewUrl) return;
  try {
    const response = await fetch(statusUrl, { headers: { accept: "application/json" } });
    if (response.ok) {
      const state = (await response.json()) as { revision: string };
      if (find("#live")!.textContent === offline) announce("");
      if (state.revision !== revision) return await show(viewUrl);
    } else if (response.status === 429) {
      delay_ms = POLL_MS_MAX;
    }
  } catch {
    announce(offline ?? "");
    delay_ms = Math.min(POLL_MS_MAX, delay_ms * 2);
  }
  polls += 1;
  if (polls > POLLS_AT_PACE) delay_ms = Math.min(POLL_MS_MAX, delay_ms * 1.2);
  schedulePoll(delay_ms);
}

/** Replaces the page's main part by that of `url`, tells a reader what is new, and keeps the keyboard in place. */
async function show(url: string): Promise<void> {
  const response = await fetch(url, { headers: { accept: "text/html" } });
  const next = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = next.querySelector("main");
  if (!fresh) return location.assign(url);
  const hadFocus = main().contains(document.activeElement);
  main().replaceWith(document.adoptNode(fresh));
  document.title = next.title;
  history.replaceState(null, "", url);
  const title = find("#title");
  announce([title, find(".scene .hint")].map((element) => element?.textContent ?? "").join(" "));
  if (hadFocus) title?.focus();
  polls = 0;
  delay_ms = POLL_MS;
  enhance();
}

/* The clock. Time left is counted from the page's arrival, so that a wrong clock on the device does no harm. */

function countDown(): void {
  clearInterval(tick);
  const time = find("time[data-remaining]");
  if (!time) return;
  const end = performance.now() + Number(time.dataset.remaining);
  tick = setInterval(() => {
    const left_ms = end - performance.now();
    time.textContent = formatRemaining(left_ms);
    time.closest(".timer")!.classList.toggle("short", left_ms < 60_000);
    if (left_ms > 0) return;
    clearInterval(tick);
    schedulePoll(300);
  }, 500);
}

function formatRemaining(remaining_ms: number): string {
  const total_s = Math.max(0, Math.ceil(remaining_ms / 1000));
  const hours = Math.floor(total_s / 3600);
  const parts = [Math.floor(total_s / 60) % 60, total_s % 60];
  return [...(hours > 0 ? [hours] : []), ...parts].map((part) => String(part).padStart(2, "0")).join(":");
}

/* Ways out: a wallet's page, WeChat's bridge, the merchant. */

function openBridge(button: HTMLElement): void {
  const parameters = button.dataset.bridge!;
  button.addEventListener("click", () => invokeBridge(button, parameters));
  // Opens by itself once for each order: after a cancellation or a reload the payer decides. The sandbox's stand-in, where
  // it went to a page of its own, comes back with a result in the fragment, which asking again collects.
  const collects = location.hash.startsWith("#wxpay=");
  if (sessionStorage.getItem("bridge") === parameters && !collects) return;
  const start = () => {
    sessionStorage.setItem("bridge", parameters);
    invokeBridge(button, parameters);
  };
  if (window.WeixinJSBridge) start();
  else document.addEventListener("WeixinJSBridgeReady", start, { once: true });
}

function invokeBridge(button: HTMLElement, parameters: string): void {
  const { cancelled, failed, absent } = button.dataset;
  const bridge = window.WeixinJSBridge;
  if (!bridge) tell(absent ?? "");
  bridge?.invoke("getBrandWCPayRequest", JSON.parse(parameters), (answer) => {
    const result = answer.err_msg ?? "";
    if (result.endsWith(":ok")) void show(main().dataset.viewUrl ?? location.href);
    else tell((result.endsWith(":cancel") ? cancelled : failed) ?? "");
  });
}

function tell(text: string): void {
  const outcome = find("[data-outcome]");
  if (outcome) {
    outcome.hidden = false;
    outcome.textContent = text;
  }
  announce(text);
}

function returnSoon(line: HTMLElement): void {
  const back = document.querySelector<HTMLAnchorElement>("[data-back]");
  if (!back) return;
  let left_s = RETURN_S;
  line.hidden = false;
  const timer = setInterval(() => {
    left_s -= 1;
    find("[data-seconds]")!.textContent = String(Math.max(0, left_s));
    if (left_s > 0) return;
    clearInterval(timer);
    location.assign(back.href);
  }, 1000);
  find("[data-stay]")!.addEventListener("click", () => {
    clearInterval(timer);
    line.hidden = true;
    back.focus();
  });
}

function offerCopy(button: HTMLElement): void {
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy!);
    button.textContent = button.dataset.copied!;
    announce(button.dataset.copied!);
  });
}

/** Shows that a choice is being carried out, and takes no second one meanwhile. */
function guardForm(form: HTMLFormElement): void {
  form.addEventListener("submit", (event) => {
    if (form.ariaBusy === "true") return event.preventDefault();
    form.ariaBusy = "true";
    (event.submitter as HTMLElement | null)?.classList.add("busy");
    announce(form.dataset.busy ?? "");
  });
}

function releaseForms(): void {
  for (const form of document.forms) form.ariaBusy = null;
  for (const button of document.querySelectorAll(".busy")) button.classList.remove("busy");
}

function enhance(): void {
  for (const form of document.forms) guardForm(form);
  const on = (selector: string, action: (element: HTMLElement) => void) => {
    const element = find(selector);
    if (element) action(element);
  };
  countDown();
  on("[data-bridge]", openBridge);
  on("[data-return]", returnSoon);
  for (const button of document.querySelectorAll<HTMLElement>("[data-copy]")) offerCopy(button);
  // Sent while the page loads, it takes this page's place in the history, as the link's replacement does.
  on("form[data-handoff]", (form) => (form as HTMLFormElement).submit());
  on("a[data-handoff]", (link) => location.replace((link as HTMLAnchorElement).href));
  schedulePoll(main().classList.contains("is-confirming") ? POLL_MS_BACK : delay_ms);
}

document.addEventListener("visibilitychange", () => {
  polls = 0;
  delay_ms = POLL_MS;
  schedulePoll(0);
});
// A page brought back by the Back button is as it was left: let its forms work again and ask what happened since.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  releaseForms();
  schedulePoll(0);
});
enhance();

export {};
