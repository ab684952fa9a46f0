/** The frame of every cashier page: head, test banner, landmarks, language switch. */
import { type Fragment, type Html, html } from "./html.ts";
import { stateIcon } from "./icons.ts";
import { renderScene } from "./scenes.ts";
import { type Texts, texts } from "./text.ts";
import type { Frame, Language, MessageView, PaymentView } from "./view.ts";

/** Seconds between reloads where no script runs. */
const REFRESH_S = 5;
const RETURN_S = 5;

/** The page of a payment. */
export function renderPayment(view: PaymentView): string {
  const t = texts[view.frame.language];
  const live = view.live;
  const scene = renderScene(view, t);
  return renderFrame(view.frame, {
    title: `${scene.title} · ${view.summary.merchant_name}`,
    refresh: refreshOf(view),
    scripts: view.scene.kind === "bridge" ? view.scene.script_url : undefined,
    main: html`<main id="main" class="checkout is-${view.scene.kind}"${data("status-url", live?.status_url)}${data("revision", live?.revision)}${data("view-url", live?.view_url)} data-offline="${t.offline}">
${renderSummary(view, t)}
<section class="scene" aria-labelledby="title">${scene.markup}</section>
</main>`,
  });
}

/** A page without a payment. */
export function renderMessage(view: MessageView): string {
  const t = texts[view.frame.language];
  const [title, hint] = t.message[view.message];
  return renderFrame(view.frame, {
    title,
    refresh: undefined,
    scripts: undefined,
    main: html`<main id="main" class="checkout is-message"><section class="scene" aria-labelledby="title">
${stateIcon("attention")}<h1 id="title" tabindex="-1">${title}</h1><p class="hint">${hint}</p>
${view.retry_url !== undefined && html`<p class="actions"><a class="button" href="${view.retry_url}">${t.reload}</a></p>`}
${view.request_id !== undefined && html`<p class="fine">${t.request_number} <code>${view.request_id}</code></p>`}
</section></main>`,
  });
}

interface FrameContent {
  title: string;
  /** What the browser does by itself when no script runs: seconds and address. */
  refresh: { after_s: number; url: string } | undefined;
  /** A script from elsewhere (the sandbox's stand-in for WeChat's bridge), to be run before ours. */
  scripts: string | undefined;
  main: Html;
}

function renderFrame(frame: Frame, content: FrameContent): string {
  const t = texts[frame.language];
  const { refresh } = content;
  return html`<!doctype html>
<html lang="${t.lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex, nofollow">
<meta name="format-detection" content="telephone=no">
<title>${content.title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${frame.stylesheet_url}">
${content.scripts !== undefined && html`<script src="${content.scripts}" defer></script>`}
<script src="${frame.script_url}" type="module"></script>
${refresh && html`<noscript><meta http-equiv="refresh" content="${refresh.after_s}; url=${refresh.url}"></noscript>`}
</head>
<body>
${!frame.livemode && html`<p class="banner"><strong><span lang="zh-CN">测试模式 · 沙箱</span> <span lang="en">Test mode</span></strong><span class="more">${t.test_banner}</span></p>`}
${content.main}
<p id="live" class="unseen" role="status" aria-live="polite"></p>
<footer>${renderLanguages(frame, t)}<p>${t.footer}</p></footer>
</body>
</html>
`.toString();
}

const languageNames: Readonly<Record<Language, string>> = { zh: "中文", en: "English" };

function renderLanguages(frame: Frame, t: Texts): Html {
  const links = (Object.keys(languageNames) as Language[]).map(
    (language) =>
      html`<li><a href="${frame.language_urls[language]}" lang="${texts[language].lang}" hreflang="${texts[language].lang}"${language === frame.language && html` aria-current="true"`}>${languageNames[language]}</a></li>`,
  );
  return html`<nav aria-label="${t.languages}"><ul>${links}</ul></nav>`;
}

function renderSummary(view: PaymentView, t: Texts): Html {
  const { summary } = view;
  const { amount } = summary;
  return html`<section class="summary" aria-label="${t.to_pay}">
<p class="merchant">${summary.merchant_name}</p>
<p class="amount"><span class="unseen">${amount.spoken}</span><span aria-hidden="true"><span class="symbol">${amount.symbol}</span>${amount.digits}${amount.code !== undefined && html` <span class="code">${amount.code}</span>`}</span></p>
<p class="subject">${summary.subject}</p>
${summary.description !== undefined && html`<p class="description">${summary.description}</p>`}
<p class="order"><span>${t.order_number}</span> <span class="number">${summary.out_trade_no}</span></p>
${renderTimer(view, t)}
</section>`;
}

function renderTimer(view: PaymentView, t: Texts): Fragment {
  if (view.remaining_ms === undefined) return undefined;
  return html`<p class="timer">${t.time_left} <time data-remaining="${view.remaining_ms}">${formatRemaining(view.remaining_ms)}</time></p>`;
}

/** `14:05`, or `26:03:00` from an hour on. */
export function formatRemaining(remaining_ms: number): string {
  const total_s = Math.max(0, Math.ceil(remaining_ms / 1000));
  const parts = [Math.floor(total_s / 60) % 60, total_s % 60];
  const hours = Math.floor(total_s / 3600);
  return [...(hours > 0 ? [hours] : []), ...parts].map((part) => String(part).padStart(2, "0")).join(":");
}

function refreshOf(view: PaymentView): FrameContent["refresh"] {
  const { scene, live } = view;
  // A form is posted, which no refresh can do: its button does.
  if (scene.kind === "handoff") return scene.fields ? undefined : { after_s: 0, url: scene.url };
  if (scene.kind === "succeeded" && scene.back) return { after_s: RETURN_S, url: scene.back.url };
  const waits = scene.kind === "scan" || scene.kind === "confirming" || scene.kind === "transfer";
  return waits && live ? { after_s: REFRESH_S, url: live.view_url } : undefined;
}

function data(name: string, value: string | undefined): Fragment {
  return value !== undefined && html` data-${name}="${value}"`;
}
