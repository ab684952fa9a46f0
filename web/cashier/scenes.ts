/** What the right-hand side of a payment's page says and offers in each state. */
import { type Fragment, type Html, html } from "./html.ts";
import { chevron, stateIcon, walletIcon } from "./icons.ts";
import type { Texts } from "./text.ts";
import type { Choice, PaymentView, QrImage, Refusal, ReturnLink, Scene, TransferDetails } from "./view.ts";

export interface RenderedScene {
  /** Also the document's title. */
  readonly title: string;
  readonly markup: Html;
}

type SceneOf<Kind extends Scene["kind"]> = Extract<Scene, { kind: Kind }>;

/** Renders the scene of a payment. */
export function renderScene(view: PaymentView, t: Texts): RenderedScene {
  const { scene } = view;
  switch (scene.kind) {
    case "scan":
      return renderScan(scene, view, t);
    case "choose":
      return say(t.choose_title, scene.choices.some(({ by }) => by === "app") ? t.choose_hint_app : t.choose_hint, {
        after: renderChoices(scene.choices, view, t),
      });
    case "bridge":
      return renderBridge(scene, t);
    case "handoff":
      return say(t.handoffTitle(scene.wallet), t.handoff_hint, {
        icon: html`<div class="travelling">${walletIcon(scene.wallet)}</div>`,
        after: renderHandoff(scene, t),
      });
    case "transfer":
      return renderTransfer(scene, t);
    case "confirming":
      return renderConfirming(scene, t);
    case "succeeded":
      return renderSucceeded(scene.back, view.summary.merchant_name, t);
    case "closed":
    case "expired":
    case "failed":
      return say(t[`${scene.kind}_title`], t[`${scene.kind}_hint`], {
        icon: stateIcon(scene.kind === "failed" ? "attention" : "stopped"),
        after: renderBack(scene.back, t),
      });
    case "impossible":
      return renderImpossible(scene, t);
    case "refused":
      return renderRefused(scene, view, t);
  }
}

function say(title: string, hint: string, parts: { icon?: Html; after?: Fragment }): RenderedScene {
  return {
    title,
    markup: html`${parts.icon}<h1 id="title" tabindex="-1">${title}</h1><p class="hint">${hint}</p>${parts.after}`,
  };
}

function renderScan(scene: SceneOf<"scan">, view: PaymentView, t: Texts): RenderedScene {
  const wallets = scene.wallets.map((wallet) => html`<li>${walletIcon(wallet)}${t.wallet[wallet]}</li>`);
  const opened = scene.scanned_by;
  const state = opened
    ? html`<div class="opened">${stateIcon("phone")}<p><strong>${t.scanned(opened)}</strong><br>${t.scanned_hint}</p></div>`
    : html`<p class="fine">${t.scan_help}</p>`;
  return say(t.scan_title, t.scanHint(scene.wallets), {
    after: html`<div class="plate${opened && " dimmed"}">${renderQr(scene.qr, t.scanLabel(scene.wallets))}</div>
<ul class="wallets">${wallets}</ul>${state}
${scene.choices.length > 0 && html`<h2 class="or"><span>${scene.choices.every(({ by }) => by === "page") ? t.or_here : t.or_other}</span></h2>${renderChoices(scene.choices, view, t)}`}`,
  });
}

function renderQr(qr: QrImage, label: string): Html {
  return html`<svg class="qr" role="img" aria-label="${label}" viewBox="0 0 ${qr.size} ${qr.size}" shape-rendering="crispEdges"><path d="${qr.path}"/></svg>`;
}

function renderChoices(choices: readonly Choice[], view: PaymentView, t: Texts): Html {
  const items = choices.map(({ method, wallet, by, href }) => {
    const face = html`${walletIcon(wallet)}<span class="name">${t.choice(by, wallet)}<small>${t.choice_hint[by]}</small></span>${chevron}`;
    return href === undefined
      ? html`<li><button class="choice" name="method" value="${method}">${face}</button></li>`
      : html`<li><a class="choice" href="${href}">${face}</a></li>`;
  });
  return html`<form method="post" action="${view.attempts_url}" data-busy="${t.opening}"><ul class="choices">${items}</ul></form>`;
}

function renderBridge(scene: SceneOf<"bridge">, t: Texts): RenderedScene {
  return say(t.bridge_title, t.bridge_hint, {
    icon: html`<div class="travelling still">${walletIcon("wechat")}</div>`,
    after: html`<p class="actions"><button class="button" type="button" data-bridge="${scene.parameters}" data-cancelled="${t.bridge_cancelled}" data-failed="${t.bridge_failed}" data-absent="${t.bridge_absent}">${t.bridge_pay}</button></p>
<p class="outcome" data-outcome hidden></p><noscript><p class="fine">${t.needs_script}</p></noscript>`,
  });
}

/** A form's fields are signed: the script sends it as it stands, and so does its button without one. */
function renderHandoff({ url, fields }: SceneOf<"handoff">, t: Texts): Html {
  if (!fields) return html`<p class="actions"><a class="quiet" data-handoff href="${url}">${t.handoff_link}</a></p>`;
  const inputs = Object.entries(fields).map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`,
  );
  return html`<form method="post" action="${url}" accept-charset="utf-8" data-handoff>${inputs}<p class="actions"><button class="button secondary">${t.handoff_link}</button></p></form>`;
}

const transferFields = ["account_name", "account_number", "bank_name", "bank_code", "amount", "reference"] as const;

function renderTransfer({ details, days, other_url }: SceneOf<"transfer">, t: Texts): RenderedScene {
  const rows = transferFields.flatMap((field) => {
    const value = details[field];
    return value === undefined ? [] : [renderTransferField(field, value, details, t)];
  });
  const other =
    other_url !== undefined && html`<p class="fine"><a class="quiet" href="${other_url}">${t.confirming_other}</a></p>`;
  return say(t.transfer_title, t.transfer_hint, {
    after: html`<dl class="transfer">${rows}</dl>
<p class="fine">${days !== undefined && `${t.transferDays(days)} `}${t.transfer_wait}</p>${other}`,
  });
}

/** What is copied is what the bank's form wants: an amount without its currency, a reference without more. */
function renderTransferField(
  field: (typeof transferFields)[number],
  value: string,
  { currency }: TransferDetails,
  t: Texts,
): Html {
  const label = t.transfer[field];
  const copy = html`<button class="copy" type="button" data-copy="${value}" data-copied="${t.transfer_copied}" aria-label="${t.transfer_copy} ${label}" hidden>${t.transfer_copy}</button>`;
  return html`<div class="is-${field}"><dt>${label}</dt><dd><span>${value}${field === "amount" && html` <small>${currency}</small>`}</span>${copy}</dd></div>`;
}

function renderConfirming(scene: SceneOf<"confirming">, t: Texts): RenderedScene {
  const resume =
    scene.resume_url !== undefined &&
    html`<p class="actions"><a class="button secondary" href="${scene.resume_url}">${t.confirming_resume}</a></p>`;
  const other =
    scene.other_url !== undefined &&
    html`<p class="fine"><a class="quiet" href="${scene.other_url}">${t.confirming_other}</a></p>`;
  return say(t.confirming_title, t.confirming_hint, {
    icon: stateIcon("waiting"),
    after: html`${resume}${other}`,
  });
}

function renderSucceeded(back: ReturnLink | undefined, merchant_name: string, t: Texts): RenderedScene {
  const automatic =
    back &&
    html`<p class="fine" data-return hidden><span data-seconds>5</span> ${t.back_soon} · <button class="quiet" type="button" data-stay>${t.stay}</button></p>`;
  return say(t.succeeded_title, t.succeededHint(merchant_name), {
    icon: stateIcon("succeeded"),
    after: html`${renderBack(back, t) ?? html`<p class="fine">${t.may_close}</p>`}${automatic}`,
  });
}

function renderBack(back: ReturnLink | undefined, t: Texts, rank?: "secondary"): Html | undefined {
  return back && html`<p class="actions"><a class="button ${rank}" data-back href="${back.url}">${t.back_to}</a></p>`;
}

function renderImpossible(scene: SceneOf<"impossible">, t: Texts): RenderedScene {
  const copy =
    scene.obstacle !== "no_methods" &&
    html`<p class="address" data-address>${scene.address}</p>
<p class="actions"><button class="button" type="button" data-copy="${scene.address}" data-copied="${t.copied}" hidden>${t.copy_address}</button></p>`;
  return say(t.impossible_title, t.obstacle[scene.obstacle], {
    icon: stateIcon("attention"),
    after: html`${copy}${renderBack(scene.back, t, "secondary")}`,
  });
}

function renderRefused(scene: SceneOf<"refused">, view: PaymentView, t: Texts): RenderedScene {
  const { title, hint, detail } = describeRefusal(scene.refusal, t);
  const again =
    scene.choices.length > 0 &&
    html`<h2 class="or"><span>${t.choose_again}</span></h2>${renderChoices(scene.choices, view, t)}`;
  return say(title, hint, { icon: stateIcon("attention"), after: html`${detail}${again}` });
}

function describeRefusal(refusal: Refusal, t: Texts): { title: string; hint: string; detail: Fragment } {
  switch (refusal.kind) {
    case "refused":
      return {
        title: t.refused_title,
        hint: t.refused_hint,
        detail: html`<dl class="reason"><dt>${t.refused_said}</dt><dd>${refusal.message} <code>${refusal.code}</code></dd></dl>`,
      };
    case "unavailable":
      return {
        title: t.refused_unavailable_title,
        hint: t.refused_unavailable,
        detail: html`<p class="fine">${t.request_number} <code>${refusal.request_id}</code></p>`,
      };
    case "unidentified":
      return { title: t.refused_unidentified_title, hint: t.refused_unidentified, detail: undefined };
  }
}
