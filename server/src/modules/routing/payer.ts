import { sha256 } from "../../kit/crypto.ts";
import type { RoutedPayer } from "./services.ts";

/** Names a payer of a channel without telling who it is; undefined for nobody in particular. */
export function hashPayer(method: string, { openid, buyer_id }: RoutedPayer): string | undefined {
  const payer = openid ?? buyer_id;
  if (payer === undefined) return undefined;
  return sha256(`${method.slice(0, method.indexOf("."))} ${payer}`).toString("base64url");
}
