/**
 * Guarantees: each wrong setting is one sentence that names it, quotes it and says what to set; nothing is asked of who
 * tries it out; production does not start without a master key and https.
 */
import { isAbsolute } from "node:path";
import { expect, test } from "vitest";
import { type Config, readConfig } from "./config.ts";
import { StartError } from "./start-error.ts";

const MASTER_KEY = Buffer.alloc(32, 7).toString("base64");
const production = { TRIBUTARY_MODE: "production", MASTER_KEY, PUBLIC_URL: "https://pay.example.com" };

function refusal(environment: NodeJS.ProcessEnv): string {
  try {
    readConfig(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(StartError);
    return (error as StartError).message;
  }
  throw new Error(`nothing was refused in ${JSON.stringify(environment)}`);
}

test("the demo needs no setting, and stays on this machine", () => {
  const config = readConfig({});
  expect(config).toMatchObject({
    mode: "demo",
    database_url: undefined,
    database_connections: 10,
    database_distributed: false,
    host: "127.0.0.1",
    port: 8080,
    sandbox_host: "127.0.0.1",
    sandbox_port: 8090,
    sandbox_public_url: "http://localhost:8090",
    public_url: "http://localhost:8080",
    log_level: "warn",
    master_keys: undefined,
    key_rate: 100,
    address_rate: 50,
    trusted_proxies: [],
    webhook_private_addresses: true,
    attempt_reuse_ms: 15_000,
    object_storage: { kind: "local", folder: expect.stringMatching(/objects$/) },
  });
  expect(isAbsolute(config.data_dir)).toBe(true);
  expect(config.data_dir).toMatch(/\.data$/);
});

test("production listens for everybody, logs more, and sends no webhook into private networks", () => {
  expect(readConfig(production)).toMatchObject({
    mode: "production",
    host: "0.0.0.0",
    log_level: "info",
    webhook_private_addresses: false,
    public_url: "https://pay.example.com",
    master_keys: [MASTER_KEY],
  });
});

test("the demo's addresses follow its ports", () => {
  expect(readConfig({ PORT: "9000", SANDBOX_PORT: "9001" })).toMatchObject({
    public_url: "http://localhost:9000",
    sandbox_public_url: "http://localhost:9001",
  });
});

test("the sandbox stays on this machine, also where the platform does not", () => {
  expect(readConfig({ HOST: "0.0.0.0" })).toMatchObject({ host: "0.0.0.0", sandbox_host: "127.0.0.1" });
});

test("an empty variable counts as unset", () => {
  const names = ["TRIBUTARY_MODE", "DATABASE_URL", "HOST", "PORT", "MASTER_KEY", "TRUSTED_PROXIES", "LOG_LEVEL"];
  expect(readConfig(Object.fromEntries(names.map((name) => [name, ""])))).toEqual(readConfig({}));
});

test.each<[string, string, Partial<Config>]>([
  ["DATABASE_URL", "postgres://a:b@db/c", { database_url: "postgres://a:b@db/c" }],
  ["DATABASE_CONNECTIONS", "2", { database_connections: 2 }],
  ["DATABASE_DISTRIBUTED", "true", { database_distributed: true }],
  ["TRIBUTARY_DATA_DIR", "/var/lib/tributary", { data_dir: "/var/lib/tributary" }],
  ["HOST", "::1", { host: "::1" }],
  ["PORT", "65535", { port: 65_535 }],
  ["SANDBOX_PORT", "0", { sandbox_port: 0 }],
  ["SANDBOX_HOST", "0.0.0.0", { sandbox_host: "0.0.0.0" }],
  ["SANDBOX_PUBLIC_URL", "http://192.0.2.1:8090/", { sandbox_public_url: "http://192.0.2.1:8090" }],
  ["PUBLIC_URL", "http://pay.example.com/base//", { public_url: "http://pay.example.com/base" }],
  ["LOG_LEVEL", "silent", { log_level: "silent" }],
  ["MASTER_KEY", "one,two", { master_keys: ["one", "two"] }],
  ["KEY_RATE", "1", { key_rate: 1 }],
  ["ADDRESS_RATE", "1000000", { address_rate: 1_000_000 }],
  [
    "TRUSTED_PROXIES",
    "10.0.0.0/8, 192.0.2.1,2001:db8::/32",
    { trusted_proxies: ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"] },
  ],
  ["WEBHOOK_PRIVATE_ADDRESSES", "false", { webhook_private_addresses: false }],
  ["ATTEMPT_REUSE_SECONDS", "0", { attempt_reuse_ms: 0 }],
  ["OBJECTS_DIR", "/srv/files", { object_storage: { kind: "local", folder: "/srv/files" } }],
])("%s=%s is taken", (name, text, expected) => {
  expect(readConfig({ [name]: text })).toMatchObject(expected);
});

test("a bucket takes the place of the folder, and needs its address and keys", () => {
  const bucket = {
    ...{ S3_BUCKET: "files", S3_ENDPOINT: "https://s3.example.com/" },
    ...{ S3_ACCESS_KEY_ID: "AKID", S3_SECRET_ACCESS_KEY: "secret" },
  };
  const { object_storage } = readConfig(bucket);
  expect(object_storage).toMatchObject({
    ...{ kind: "s3", bucket: "files", endpoint: "https://s3.example.com", region: "us-east-1", access_key_id: "AKID" },
    folder: expect.stringMatching(/spool$/),
  });
  expect(JSON.stringify(object_storage)).not.toContain('secret"');
  for (const name of ["S3_ENDPOINT", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"])
    expect(() => readConfig({ ...bucket, [name]: "" })).toThrow(`S3_BUCKET is set: set ${name}, too.`);
  expect(() => readConfig({ ...bucket, S3_BUCKET: "a/b" })).toThrow("set it to a bucket's name");
});

const wholeNumber = (min: number, max: number) => `set it to a whole number from ${min} to ${max}.`;
const address = "set it to an address like https://pay.example.com, without a query.";

test.each([
  ["TRIBUTARY_MODE", "prod", "set it to one of demo, production."],
  ["TRIBUTARY_MODE", "Demo", "set it to one of demo, production."],
  ["PORT", "http", wholeNumber(0, 65_535)],
  ["PORT", "65536", wholeNumber(0, 65_535)],
  ["PORT", "-1", wholeNumber(0, 65_535)],
  ["PORT", "80.5", wholeNumber(0, 65_535)],
  ["PORT", "8080 8081", wholeNumber(0, 65_535)],
  ["SANDBOX_PORT", "99999", wholeNumber(0, 65_535)],
  ["DATABASE_CONNECTIONS", "1", wholeNumber(2, 1_000)],
  ["DATABASE_CONNECTIONS", "1001", wholeNumber(2, 1_000)],
  ["KEY_RATE", "0", wholeNumber(1, 1_000_000)],
  ["ADDRESS_RATE", "Infinity", wholeNumber(1, 1_000_000)],
  ["ATTEMPT_REUSE_SECONDS", "3601", wholeNumber(0, 3_600)],
  ["DATABASE_DISTRIBUTED", "yes", "set it to one of true, false."],
  ["WEBHOOK_PRIVATE_ADDRESSES", "1", "set it to one of true, false."],
  ["LOG_LEVEL", "verbose", "set it to one of trace, debug, info, warn, error, fatal, silent."],
  ["PUBLIC_URL", "pay.example.com", address],
  ["SANDBOX_PUBLIC_URL", "192.0.2.1:8090", address],
  ["PUBLIC_URL", "ftp://pay.example.com", address],
  ["PUBLIC_URL", "https://pay.example.com/?shop=1", address],
  ["PUBLIC_URL", "https://pay.example.com/#top", address],
])("%s=%s is refused by name, with what to set", (name, text, advice) => {
  expect(refusal({ [name]: text })).toBe(`${name} is "${text}": ${advice}`);
});

test.each([
  "localhost",
  "10.0.0.0/33",
  "10.0.0.0/-1",
  "10.0.0.0/8/8",
  "2001:db8::/129",
  "300.1.1.1",
  "10.0.0.1,,10.0.0.2",
])("TRUSTED_PROXIES=%s is refused: who is believed must be an address", (text) => {
  expect(refusal({ TRUSTED_PROXIES: text })).toMatch(
    /^TRUSTED_PROXIES holds "[^"]*": list addresses or networks like 10\.0\.0\.0\/8, with commas\.$/,
  );
});

test("production without a master key is refused, also when it is empty", () => {
  const { MASTER_KEY: _left_out, ...rest } = production;
  for (const environment of [rest, { ...rest, MASTER_KEY: "" }]) {
    expect(refusal(environment)).toMatch(/^Set MASTER_KEY to 32 random bytes in base64 .*: production needs one\.$/);
  }
});

test("production without https is refused, also when its address is left out", () => {
  const { PUBLIC_URL: _left_out, ...rest } = production;
  const advice = "payers and channels need https in production.";
  expect(refusal(rest)).toBe(`PUBLIC_URL is "http://localhost:8080": ${advice}`);
  const plain = { ...rest, PUBLIC_URL: "http://pay.example.com" };
  expect(refusal(plain)).toBe(`PUBLIC_URL is "http://pay.example.com": ${advice}`);
});
