/** The two cookies of the cashier: the payer's language, and the state that binds a login at a wallet to this browser. */

export const LANGUAGE_COOKIE = "cashier_lang";
export const STATE_COOKIE = "cashier_state";

/** The value of a cookie of ours, or undefined. Our values are plain tokens, so nothing is decoded. */
export function readCookie(header: string | undefined, name: string): string | undefined {
  for (const pair of (header ?? "").split(";")) {
    const [key, value] = pair.trim().split("=", 2);
    if (key === name && value !== undefined && value !== "") return value;
  }
  return undefined;
}

/** A `Set-Cookie` that scripts and other sites' requests cannot use, but that comes along when a wallet sends back. */
export function writeCookie(
  name: string,
  value: string,
  options: { path: string; max_age_s: number; secure: boolean },
) {
  const secure = options.secure ? "; Secure" : "";
  return `${name}=${value}; Path=${options.path}; Max-Age=${options.max_age_s}; HttpOnly; SameSite=Lax${secure}`;
}
