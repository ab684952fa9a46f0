import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type MasterKey, sha256 } from "../kit/crypto.ts";
import type { Random } from "../kit/random.ts";
import { Secret } from "../kit/secret.ts";
import type { Config } from "./config.ts";
import { giveToFolderOwner } from "./folder-owner.ts";
import { StartError } from "./start-error.ts";

const KEY_BYTES = 32;

/**
 * The keys that seal credentials at rest: from MASTER_KEY, or for trying out one generated in the data folder, with a
 * warning, because a copy of that folder then opens everything in it.
 */
export function loadMasterKeys(
  config: Pick<Config, "master_keys" | "data_dir">,
  random: Random,
  warn: (message: string) => void,
): readonly [MasterKey, ...MasterKey[]] {
  const texts = config.master_keys ?? [loadGenerated(config.data_dir, random, warn)];
  const [first, ...others] = texts.map(readKey);
  return [first!, ...others];
}

/**
 * Throws `StartError` when there is no key yet. A command must not make one: what it sealed, the server could not open.
 */
export function requireMasterKeys(config: Pick<Config, "master_keys" | "data_dir">): void {
  if (config.master_keys || existsSync(generatedPath(config.data_dir))) return;
  throw new StartError(
    `MASTER_KEY is not set and ${config.data_dir} holds no generated one: give this shell the server's settings first.`,
  );
}

function generatedPath(data_dir: string): string {
  return join(data_dir, "master.key");
}

function loadGenerated(data_dir: string, random: Random, warn: (message: string) => void): string {
  const path = generatedPath(data_dir);
  if (!existsSync(path)) {
    mkdirSync(data_dir, { recursive: true });
    writeFileSync(path, `${random.bytes(KEY_BYTES).toString("base64")}\n`, { mode: 0o600, flush: true });
    giveToFolderOwner(path);
  }
  chmodSync(path, 0o600);
  warn(`Credentials are sealed with a generated master key (${path}). Set MASTER_KEY before real credentials go in.`);
  return readFileSync(path, "utf8").trim();
}

/** A key's id is the start of its own hash, so that the order of MASTER_KEY's list may change freely. */
function readKey(text: string): MasterKey {
  const bytes = Buffer.from(text.trim(), "base64");
  if (bytes.length !== KEY_BYTES) {
    throw new StartError(
      `MASTER_KEY holds a key of ${bytes.length} bytes: make each with "openssl rand -base64 32", separated by commas.`,
    );
  }
  return { id: sha256(bytes).toString("hex").slice(0, 16), key: new Secret(bytes) };
}
