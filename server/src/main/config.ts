/** The only place that reads the environment. A wrong setting is one sentence that says what to set. */
import { isIP } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ObjectStorageSettings } from "../kit/object-storage/object-storage.ts";
import { Secret } from "../kit/secret.ts";
import { StartError } from "./start-error.ts";

/** What the operator sets from outside. `docs/guides/settings.md` describes each. */
export type Config = {
  /** `demo` runs everything on one machine for trying out; `production` refuses what is only fit for that. */
  mode: "demo" | "production";
  /** A PostgreSQL of the operator's own; without it an embedded one runs in `data_dir`. */
  database_url: string | undefined;
  database_connections: number;
  /** Whether the database is distributed by merchant (Citus). */
  database_distributed: boolean;
  /** The folder of everything that must outlive the process, absolute. */
  data_dir: string;
  host: string;
  port: number;
  /** Where the sandbox listens: this machine alone unless told, because it asks nobody for a key. */
  sandbox_host: string;
  sandbox_port: number;
  /** Where payers' browsers and we reach the sandbox, without a trailing slash. */
  sandbox_public_url: string;
  /** Where payers' browsers and channels reach us, without a trailing slash. */
  public_url: string;
  log_level: string;
  /** 32 bytes in base64; the first seals, the others still open. Undefined: generated in `data_dir` (demo only). */
  master_keys: readonly string[] | undefined;
  /** Requests per second and key. */
  key_rate: number;
  /** Requests per second and address without a key: public pages and notices. */
  address_rate: number;
  /** Addresses or networks of proxies whose `X-Forwarded-For` is believed. */
  trusted_proxies: readonly string[];
  /** Whether webhooks may go to private and loopback addresses. */
  webhook_private_addresses: boolean;
  /** The same payment and method asked again within this time continues the running attempt. */
  attempt_reuse_ms: number;
  /** Where bills and other files are kept. */
  object_storage: ObjectStorageSettings;
};

const root = fileURLToPath(new URL("../../..", import.meta.url));
const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** Reads the environment; an empty variable counts as unset. Throws `StartError` for a wrong setting. */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const text = (name: string) => environment[name] || undefined;
  const mode = choice("TRIBUTARY_MODE", text("TRIBUTARY_MODE") ?? "demo", ["demo", "production"] as const);
  const port = integer("PORT", text("PORT"), 8080, 0, 65_535);
  const sandbox_port = integer("SANDBOX_PORT", text("SANDBOX_PORT"), 8090, 0, 65_535);
  const master_keys = text("MASTER_KEY")?.split(",");
  if (mode === "production" && !master_keys) {
    throw new StartError(
      "Set MASTER_KEY to 32 random bytes in base64 (openssl rand -base64 32) and keep it safe: production needs one.",
    );
  }
  const data_dir = text("TRIBUTARY_DATA_DIR") ?? join(root, ".data");
  return {
    mode,
    database_url: text("DATABASE_URL"),
    database_connections: integer("DATABASE_CONNECTIONS", text("DATABASE_CONNECTIONS"), 10, 2, 1_000),
    database_distributed: flag("DATABASE_DISTRIBUTED", text("DATABASE_DISTRIBUTED"), false),
    data_dir,
    host: text("HOST") ?? (mode === "demo" ? "127.0.0.1" : "0.0.0.0"),
    port,
    sandbox_host: text("SANDBOX_HOST") ?? "127.0.0.1",
    sandbox_port,
    sandbox_public_url: url(
      "SANDBOX_PUBLIC_URL",
      text("SANDBOX_PUBLIC_URL") ?? `http://localhost:${sandbox_port}`,
      false,
    ),
    public_url: url("PUBLIC_URL", text("PUBLIC_URL") ?? `http://localhost:${port}`, mode === "production"),
    log_level: choice("LOG_LEVEL", text("LOG_LEVEL") ?? (mode === "demo" ? "warn" : "info"), LOG_LEVELS),
    master_keys,
    key_rate: integer("KEY_RATE", text("KEY_RATE"), 100, 1, 1_000_000),
    address_rate: integer("ADDRESS_RATE", text("ADDRESS_RATE"), 50, 1, 1_000_000),
    trusted_proxies: (text("TRUSTED_PROXIES")?.split(",") ?? []).map(proxy),
    webhook_private_addresses: flag("WEBHOOK_PRIVATE_ADDRESSES", text("WEBHOOK_PRIVATE_ADDRESSES"), mode === "demo"),
    attempt_reuse_ms: 1000 * integer("ATTEMPT_REUSE_SECONDS", text("ATTEMPT_REUSE_SECONDS"), 15, 0, 3_600),
    object_storage: objectStorage(text, data_dir),
  };
}

/** A folder, unless a bucket is named. */
function objectStorage(text: (name: string) => string | undefined, data_dir: string): ObjectStorageSettings {
  const bucket = text("S3_BUCKET");
  if (bucket === undefined) return { kind: "local", folder: text("OBJECTS_DIR") ?? join(data_dir, "objects") };
  const required = (name: string) => {
    const value = text(name);
    if (value === undefined) throw new StartError(`S3_BUCKET is set: set ${name}, too.`);
    return value;
  };
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw new StartError(`S3_BUCKET is "${bucket}": set it to a bucket's name, such as tributary-files.`);
  return {
    kind: "s3",
    bucket,
    endpoint: url("S3_ENDPOINT", required("S3_ENDPOINT"), false),
    region: text("S3_REGION") ?? "us-east-1",
    access_key_id: required("S3_ACCESS_KEY_ID"),
    secret_access_key: new Secret(required("S3_SECRET_ACCESS_KEY")),
    folder: join(data_dir, "spool"),
  };
}

function integer(name: string, text: string | undefined, fallback: number, min: number, max: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new StartError(`${name} is "${text}": set it to a whole number from ${min} to ${max}.`);
}

function flag(name: string, text: string | undefined, fallback: boolean): boolean {
  if (text === undefined) return fallback;
  return choice(name, text, ["true", "false"]) === "true";
}

function choice<Value extends string>(name: string, text: string, values: readonly Value[]): Value {
  const value = values.find((candidate) => candidate === text);
  if (value !== undefined) return value;
  throw new StartError(`${name} is "${text}": set it to one of ${values.join(", ")}.`);
}

function url(name: string, text: string, secure: boolean): string {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol) || /[?#]/.test(text)) {
    throw new StartError(`${name} is "${text}": set it to an address like https://pay.example.com, without a query.`);
  }
  if (secure && !text.startsWith("https:")) {
    throw new StartError(`${name} is "${text}": payers and channels need https in production.`);
  }
  return text.replace(/\/+$/, "");
}

function proxy(text: string): string {
  const [address = "", bits, ...rest] = text.trim().split("/");
  const family = isIP(address);
  const width = bits === undefined ? 0 : Number(bits);
  if (family && rest.length === 0 && Number.isInteger(width) && width >= 0 && width <= (family === 4 ? 32 : 128)) {
    return text.trim();
  }
  throw new StartError(`TRUSTED_PROXIES holds "${text}": list addresses or networks like 10.0.0.0/8, with commas.`);
}
