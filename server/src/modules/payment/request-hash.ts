import { sha256 } from "../../kit/crypto.ts";
import { canonicalJson } from "../../kit/http/idempotency.ts";

/** The hash of a request's content: the same number with other content is a conflict. */
export function hashContent(content: object): Buffer {
  return sha256(canonicalJson(content));
}
