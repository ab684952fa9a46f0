import type { IncomingHttpHeaders } from "node:http";

/**
 * Whether a request comes from one of our own pages, so that no other site can act in the browser of a payer or operator.
 * `Sec-Fetch-Site` says it where the browser sends it; else `Origin` must name our public address or the host asked.
 */
export function isSameOrigin(headers: IncomingHttpHeaders, public_origin: string): boolean {
  const site = headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin";
  const origin = headers.origin;
  if (origin === undefined) return false;
  if (origin === public_origin) return true;
  return URL.canParse(origin) && new URL(origin).host === headers.host;
}
