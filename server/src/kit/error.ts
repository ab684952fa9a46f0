/**
 * The error catalogue. A module declares its errors once, as data; use cases throw them; the HTTP layer shows exactly
 * what the catalogue says. A test holds code, `docs/errors/` and OpenAPI together.
 */

/** What a caller may conclude: nothing happened, it happened, or it is not known (ask again later). */
export type ErrorOutcome = "none" | "done" | "unknown";

export type ErrorType =
  | "invalid_request_error"
  | "authentication_error"
  | "permission_error"
  | "not_found_error"
  | "conflict_error"
  | "rate_limit_error"
  | "channel_error"
  | "api_error";

export interface ErrorDefinition {
  readonly type: ErrorType;
  readonly status: number;
  /** A public sentence that says what to do. `{name}` is replaced by the detail of that name. */
  readonly message: string;
  readonly retryable: boolean;
  readonly outcome: ErrorOutcome;
}

export interface CatalogueEntry extends ErrorDefinition {
  readonly code: string;
}

export interface ErrorDetails {
  /** The request's field at fault, as a JSON path such as `payer.openid`. */
  param?: string;
  /** Values for the placeholders of the message. */
  values?: Record<string, string | number | bigint>;
  /** Seconds after which to try again; becomes `Retry-After`. */
  retry_after_s?: number;
  cause?: unknown;
}

/** An error of the catalogue, thrown by a use case. Its message is safe to show. */
export class TributaryError extends Error {
  override readonly name = "TributaryError";
  readonly entry: CatalogueEntry;
  readonly param: string | undefined;
  readonly retry_after_s: number | undefined;

  constructor(entry: CatalogueEntry, details: ErrorDetails = {}) {
    super(fillMessage(entry.message, details.values ?? {}), { cause: details.cause });
    this.entry = entry;
    this.param = details.param;
    this.retry_after_s = details.retry_after_s;
  }

  get code(): string {
    return this.entry.code;
  }
}

function fillMessage(template: string, values: Record<string, string | number | bigint>): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(values, name) ? String(values[name]) : whole,
  );
}

const catalogue = new Map<string, CatalogueEntry>();

/**
 * Declares a module's errors: `defineErrors({ "payment.not_found": {…} })` gives one function per code that makes the
 * error. A code declared twice is a programming error and throws at start.
 */
export function defineErrors<Codes extends string>(
  definitions: Record<Codes, ErrorDefinition>,
): Record<Codes, (details?: ErrorDetails) => TributaryError> {
  const makers = {} as Record<Codes, (details?: ErrorDetails) => TributaryError>;
  for (const [code, definition] of Object.entries<ErrorDefinition>(definitions)) {
    if (catalogue.has(code)) throw new Error(`error code ${code} is declared twice`);
    const entry: CatalogueEntry = { code, ...definition };
    catalogue.set(code, entry);
    makers[code as Codes] = (details) => new TributaryError(entry, details);
  }
  return makers;
}

/** Every declared error, by code. */
export function errorCatalogue(): CatalogueEntry[] {
  return [...catalogue.values()].sort((a, b) => (a.code < b.code ? -1 : 1));
}

/** A broken invariant: a fault of ours, never of the caller. It ends as a 500 without its text. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Asserts an invariant. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
