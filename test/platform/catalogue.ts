/** What every refusal of the API has in common. */
import { expect } from "vitest";
import { errorCatalogue } from "../../server/src/kit/error.ts";
import type { Answer } from "./platform.ts";

/** Expects that an answer is exactly what the catalogue says of this code, and shows nothing of what is inside. */
export function expectRefusal(answer: Answer, code: string, param?: string): void {
  const { error } = answer.body ?? {};
  expect(error?.code, answer.text).toBe(code);
  const entry = errorCatalogue().find((known) => known.code === code);
  expect(entry, `${code} is in the catalogue`).toBeDefined();
  const { type, status, retryable } = entry!;
  expect(answer.status).toBe(status);
  expect(Object.keys(answer.body)).toEqual(["error"]);
  expect(Object.keys(error)).toEqual([
    ...["type", "code", "message", "param", "doc_url", "request_id", "retryable", "outcome"],
  ]);
  expect(error).toMatchObject({ type, retryable });
  expect(error.doc_url).toMatch(new RegExp(`/docs/errors/${code}$`));
  expect(error.request_id).toBe(answer.headers["request-id"]);
  expect(error.message).toMatch(/^[A-Z\w].*[.!]$/s);
  expect(error.message).not.toMatch(/select |insert |\bat \S+\.ts|Error:|undefined|\{[a-z_]+\}/);
  expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
  if (param !== undefined) expect(error.param).toBe(param);
}
