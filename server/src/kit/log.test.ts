// Guarantee: every line carries the request it belongs to, and none carries a credential or a payer's data.
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createLogger, currentRequestId, withLogContext } from "./log.ts";

/** A logger that keeps its lines. */
function recordingLogger(level = "trace") {
  const lines: string[] = [];
  const log = createLogger(level, { write: (line) => lines.push(line) });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? "{}") as Record<string, unknown> };
}

describe("redaction", () => {
  const hidden = [
    "authorization",
    "cookie",
    "secret",
    "secret_key",
    "webhook_secret",
    "password",
    "private_key",
    "api_v2_key",
    "api_v3_key",
    "merchant_private_key",
    "app_private_key",
    "app_secret",
    "mini_app_secret",
    "session_key",
    "openid",
    "buyer_id",
    "buyer_open_id",
    "channel_payer",
    "auth_code",
    "payer",
    "body",
    "ciphertext",
    "signature",
    "sign",
  ];
  test.each(hidden)("%s is hidden at the first three levels", (field) => {
    const { log, lines } = recordingLogger();
    const value = `value-of-${field}`;
    log.info({ [field]: value, a: { [field]: value, b: { [field]: value } } }, "seen");
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain(value);
    expect(JSON.parse(lines[0]!).a.b[field]).toBe("[redacted]");
  });

  test("a whole object under such a name is hidden, and what stands beside it is not", () => {
    const { log, lines, last } = recordingLogger();
    log.info({ payer: { openid: "oABC" }, amount: 100, headers: { authorization: "Bearer x", host: "h" } }, "seen");
    expect(lines[0]).not.toMatch(/oABC|Bearer/);
    expect(last()).toMatchObject({ amount: 100, headers: { host: "h" }, msg: "seen" });
  });

  test("a database error shows what broke, and none of the row's values", () => {
    const { log, lines, last } = recordingLogger();
    const row = { detail: "Failing row contains (oABC, 13800000000).", where: "unnamed portal parameter $1 = 'oABC'" };
    const error = Object.assign(new Error("violates check constraint"), { ...row, code: "23514", constraint: "c" });
    log.error({ err: new Error("not written", { cause: error }) }, "failed");
    log.error({ err: error }, "failed");
    log.error(error);
    expect(lines).toHaveLength(3);
    expect(lines.join("")).not.toMatch(/oABC|13800000000/);
    expect(last()).toMatchObject({ err: { code: "23514", constraint: "c", message: "violates check constraint" } });
  });
});

describe("context", () => {
  test("reaches every line of its work, also after waiting, and no other", async () => {
    const { log, lines } = recordingLogger();
    const work = async (request_id: string) => {
      log.info("before");
      await turn();
      log.info("after");
      expect(currentRequestId()).toBe(request_id);
    };
    await Promise.all(["req_1", "req_2"].map((request_id) => withLogContext({ request_id }, () => work(request_id))));
    log.info("outside");
    const ids = lines.map((line) => JSON.parse(line).request_id as string | undefined);
    expect(ids).toEqual(["req_1", "req_2", "req_1", "req_2", undefined]);
    expect(currentRequestId()).toBeUndefined();
  });
});

test("a line is one JSON object with its level by name and its time in RFC 3339", () => {
  const { log, lines, last } = recordingLogger();
  log.warn({ text: "two\nlines" }, "seen");
  expect(lines).toHaveLength(1);
  expect(lines[0]!.trimEnd()).not.toContain("\n");
  expect(last()).toMatchObject({ level: "warn", msg: "seen", text: "two\nlines" });
  expect(last().time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test("silent says nothing", () => {
  const { log, lines } = recordingLogger("silent");
  log.fatal("seen");
  expect(lines).toEqual([]);
});
