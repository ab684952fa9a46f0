// Guarantee: a Secret shows its value to nobody who does not call reveal().
import { format, inspect } from "node:util";
import { expect, test } from "vitest";
import { createLogger } from "./log.ts";
import { Secret } from "./secret.ts";

const VALUE = "sk_live_do_not_show_me";
const secret = new Secret(VALUE);

function logged(work: (log: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  work(createLogger("trace", { write: (line) => lines.push(line) }));
  return lines.join("");
}

test.each<[string, () => string]>([
  ["a template", () => `${secret}`],
  ["concatenation", () => `x${String(secret)}`],
  ["JSON", () => JSON.stringify({ nested: [secret] })],
  ["inspect", () => inspect({ secret }, { depth: 9, showHidden: true, getters: true })],
  ["format", () => format("%s %o %O %j", secret, secret, secret, secret)],
  ["its own keys", () => JSON.stringify([Object.entries(secret), Reflect.ownKeys(secret)])],
  ["an error's cause", () => inspect(new Error("failed", { cause: secret }))],
  ["a log field", () => logged((log) => log.info({ key: secret, deep: { list: [{ key: secret }] } }, "made"))],
  ["a log message", () => logged((log) => log.info("made %s %o %j", secret, secret, secret))],
  ["a logged error", () => logged((log) => log.error({ err: Object.assign(new Error("no"), { secret }) }, "failed"))],
])("%s does not show it", (_, show) => {
  const text = show();
  expect(text).not.toContain(VALUE);
  expect(text.length).toBeGreaterThan(0);
});

test("only reveal shows it", () => {
  expect(secret.reveal()).toBe(VALUE);
  expect(JSON.stringify({ secret })).toBe('{"secret":"[secret]"}');
});
