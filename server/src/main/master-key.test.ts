/**
 * Guarantees: a generated master key is kept, read by its owner alone, and comes with a warning; MASTER_KEY may hold
 * several, of which the first seals and each opens, in any order; a key of another length is refused without being quoted.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createEnvelope } from "../kit/crypto.ts";
import { systemRandom } from "../kit/random.ts";
import { Secret } from "../kit/secret.ts";
import { loadMasterKeys } from "./master-key.ts";
import { StartError } from "./start-error.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "master-key-"));
  path = join(folder, "data", "master.key");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Loads as a start does; `warnings` is what the person at the terminal is told. */
function load(...master_keys: string[]) {
  const warnings: string[] = [];
  const given = { data_dir: join(folder, "data"), master_keys: master_keys.length > 0 ? master_keys : undefined };
  const keys = loadMasterKeys(given, systemRandom, (message) => warnings.push(message));
  return { keys, warnings };
}

const newKey = () => randomBytes(32).toString("base64");
const bytesOf = ({ key }: { key: Secret<Buffer> }) => key.reveal().toString("base64");

test("without MASTER_KEY one is generated, kept for its owner alone, and each start warns", () => {
  const first = load();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, "utf8")).toBe(`${bytesOf(first.keys[0])}\n`);
  expect(first.warnings).toEqual([expect.stringContaining(path)]);
  expect(first.warnings[0]).toContain("Set MASTER_KEY");
  expect(first.warnings[0]).not.toContain(bytesOf(first.keys[0]));
  const second = load();
  expect(second.keys).toHaveLength(1);
  expect([second.keys[0].id, bytesOf(second.keys[0])]).toEqual([first.keys[0].id, bytesOf(first.keys[0])]);
  expect(second.warnings).toEqual(first.warnings);
});

test("a key file that others could read is closed to them again", () => {
  load();
  chmodSync(path, 0o644);
  load();
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("with MASTER_KEY nothing is generated and nobody is warned", () => {
  const { keys, warnings } = load(newKey());
  expect([keys.length, warnings]).toEqual([1, []]);
  expect(existsSync(path)).toBe(false);
});

test("of several keys the first seals, and what any of them sealed is opened in whatever order they are given", () => {
  const [old, current] = [newKey(), newKey()];
  const envelopeOf = (...texts: string[]) => createEnvelope(load(...texts).keys, systemRandom);
  const sealed = envelopeOf(old).seal(new Secret("credential"), "context");
  expect(envelopeOf(current, old).open(sealed, "context").reveal()).toBe("credential");
  expect(envelopeOf(old, ` ${current} `).open(sealed, "context").reveal()).toBe("credential");
  expect(() => envelopeOf(current).open(sealed, "context")).toThrow(/is not configured/);
  const renewed = envelopeOf(current, old).seal(new Secret("credential"), "context");
  expect(() => envelopeOf(old).open(renewed, "context")).toThrow(/is not configured/);
});

test.each([
  ["nothing", "", 0],
  ["16 bytes", randomBytes(16).toString("base64"), 16],
  ["33 bytes", randomBytes(33).toString("base64"), 33],
  ["hexadecimal", randomBytes(32).toString("hex"), 48],
])("a key that is %s is refused by its length, and not quoted", (_what, text, length) => {
  const refused = () => load(newKey(), text);
  expect(refused).toThrow(StartError);
  expect(refused).toThrow(new RegExp(`^MASTER_KEY holds a key of ${length} bytes: .*openssl rand -base64 32`));
  if (text) expect(refused).not.toThrow(text);
});

test("a key file cut short is refused, and not replaced", () => {
  load();
  writeFileSync(path, "c2hvcnQ=\n");
  expect(() => load()).toThrow(StartError);
  expect(readFileSync(path, "utf8")).toBe("c2hvcnQ=\n");
});
