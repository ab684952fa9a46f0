import { approvalErrors } from "./errors.ts";

const LENGTH_MAX = 500;

/**
 * A text of a person's, without white space around it.
 * @throws approval.invalid
 */
export function readText(param: "reason" | "comment", text: string): string {
  const trimmed = text.trim();
  if (trimmed.length > 0 && trimmed.length <= LENGTH_MAX && !trimmed.includes("\0")) return trimmed;
  const problem = `${param} must have 1 to ${LENGTH_MAX} characters.`;
  throw approvalErrors["approval.invalid"]({ param, values: { problem } });
}
