import { AsyncLocalStorage } from "node:async_hooks";
import { type Logger, pino } from "pino";

export type { Logger };

/** What every log line of a request or a job carries. */
export interface LogContext {
  request_id?: string;
  job?: string;
}

const context = new AsyncLocalStorage<LogContext>();

/** Runs `work` with a context that every log line inside it carries. */
export function withLogContext<T>(values: LogContext, work: () => T): T {
  return context.run(values, work);
}

/** The request id of the work under way, if any. */
export function currentRequestId(): string | undefined {
  return context.getStore()?.request_id;
}

/**
 * Field names that never reach a log, at any of the first levels: credentials, and what identifies a payer. `Secret`
 * hides itself; this list is the second net, for values that came in from outside.
 */
const redactedFields = [
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
  "auth_code",
  "payer",
  "channel_payer",
  "body",
  "ciphertext",
  "signature",
  "sign",
];

/**
 * What a log tells of an error. Nothing else of it is written: a database error also carries the row that it refused and
 * its whole connection, and the message of a data exception (SQLSTATE class 22) quotes the value that did not fit.
 */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error);
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  const isDataException = typeof code === "string" && /^22[0-9A-Z]{3}$/.test(code);
  return {
    type: error.name,
    message: isDataException ? "data exception" : error.message,
    ...(typeof code === "string" && { code }),
    ...(typeof constraint === "string" && { constraint }),
    stack: isDataException ? error.stack?.replace(error.message, "data exception") : error.stack,
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  };
}

/** A structured (JSON lines) logger. Level `silent` turns it off. */
export function createLogger(level: string, destination?: { write(line: string): void }): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    mixin: () => context.getStore() ?? {},
    redact: {
      paths: redactedFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
      censor: "[redacted]",
    },
    serializers: { err: describeError },
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination ? pino(options, destination) : pino(options);
}
