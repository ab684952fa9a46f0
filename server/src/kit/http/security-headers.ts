import type { FastifyReply } from "fastify";

/** On every answer. An API answer is nobody's page: it loads nothing, is framed nowhere and is kept in no cache. */
export const apiHeaders = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000",
  "x-content-type-options": "nosniff",
} as const;

/** What a page may do beyond the house's policy; each is a list of sources such as `https://example.com`. */
export interface PagePolicy {
  form_action?: readonly string[];
  connect_src?: readonly string[];
  img_src?: readonly string[];
  /** SHA-256 sources (`'sha256-…'`) of inline scripts a channel's hand-over needs; none is the rule. */
  script_src?: readonly string[];
}

/** Sends a page under a policy that runs no inline script and loads nothing from elsewhere. */
export function sendHtml(reply: FastifyReply, html: string, policy: PagePolicy = {}): FastifyReply {
  return reply
    .header("content-security-policy", pagePolicy(policy))
    .header("cross-origin-opener-policy", "same-origin")
    .type("text/html; charset=utf-8")
    .send(html);
}

function pagePolicy(policy: PagePolicy): string {
  const more = (sources: readonly string[] | undefined) => (sources?.length ? ` ${sources.join(" ")}` : "");
  return [
    "default-src 'none'",
    "style-src 'self'",
    `script-src 'self'${more(policy.script_src)}`,
    `img-src 'self' data:${more(policy.img_src)}`,
    `connect-src 'self'${more(policy.connect_src)}`,
    `form-action 'self'${more(policy.form_action)}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

const ESCAPES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/** Text for HTML content and quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]!);
}
