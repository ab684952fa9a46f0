/** What both kinds of storage share: keys, writing a file while counting and hashing, and reading one against its hash. */
import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { InvariantError } from "../error.ts";
import type { StorageTools } from "./object-storage.ts";

/** There is no such object. */
export class ObjectMissing extends Error {
  override readonly name = "ObjectMissing";
}

/** What is stored is not what was put. */
export class ObjectDamaged extends Error {
  override readonly name = "ObjectDamaged";
}

const AREA = /^[a-z][a-z0-9-]{0,39}$/;
const KEY = /^[a-z][a-z0-9-]{0,39}(?:\/\d{2,4}){3}\/[0-9a-f]{32}$/;

/** A new key: where, when, and 128 bits of chance, so that it is nobody else's. */
export function makeKey(area: string, { clock, random }: StorageTools): string {
  if (!AREA.test(area)) throw new InvariantError(`"${area}" is no area of the object storage`);
  const day = new Date(clock.now()).toISOString().slice(0, 10).replaceAll("-", "/");
  return `${area}/${day}/${random.bytes(16).toString("hex")}`;
}

/** A key leads nowhere else. */
export function checkKey(key: string): string {
  if (!KEY.test(key)) throw new ObjectMissing(`"${key.slice(0, 100)}" is no key of the object storage`);
  return key;
}

export interface Written {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Writes into a new file of `folder`, durably; the file is gone when `content` throws. */
export async function writeSpool(
  folder: string,
  content: AsyncIterable<Uint8Array>,
  { random }: StorageTools,
): Promise<Written> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, random.bytes(16).toString("hex"));
  let file: FileHandle | undefined;
  try {
    file = await open(path, "wx", 0o600);
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of content) {
      hash.update(chunk);
      bytes += chunk.length;
      await file.writeFile(chunk);
    }
    await file.sync();
    await file.close();
    return { path, bytes, sha256: hash.digest("hex") };
  } catch (error) {
    await file?.close().catch(() => undefined);
    await rm(path, { force: true });
    throw error;
  }
}

/** Passes chunks on, and throws ObjectDamaged behind the last where their hash is another one. */
export async function* holdToHash(
  key: string,
  chunks: AsyncIterable<Buffer>,
  sha256: string | undefined,
): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) {
    if (sha256 !== undefined) hash.update(chunk);
    yield chunk;
  }
  if (sha256 === undefined) return;
  const found = hash.digest("hex");
  if (found !== sha256) throw new ObjectDamaged(`The SHA-256 of ${key} is ${found}, not ${sha256} as it was put`);
}
