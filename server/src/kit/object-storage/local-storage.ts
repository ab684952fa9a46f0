/** Objects as files of a folder: written aside, synced, and linked to their name, so that one is there whole or not at all. */
import { link, mkdir, open, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ObjectStorage, StorageTools } from "./object-storage.ts";
import { checkKey, holdToHash, makeKey, ObjectMissing, writeSpool } from "./stored-bytes.ts";

/** @param folder absolute; made when it is first written to. What a crash left in its `.parts` is nobody's. */
export function createLocalStorage(folder: string, tools: StorageTools): ObjectStorage {
  return {
    async put(area, content) {
      const key = makeKey(area, tools);
      const { path: part, bytes, sha256 } = await writeSpool(join(folder, ".parts"), content, tools);
      const path = join(folder, key);
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 });
        // Unlike a rename, a link never replaces what is there.
        await link(part, path);
      } finally {
        await rm(part, { force: true });
      }
      await syncFolder(dirname(path));
      return { key, bytes, sha256 };
    },
    async get(key, sha256) {
      const file = await open(join(folder, checkKey(key))).catch((error: NodeJS.ErrnoException) => {
        throw error.code === "ENOENT" ? new ObjectMissing(`There is no object ${key}`) : error;
      });
      return holdToHash(key, file.createReadStream({ highWaterMark: 262_144 }), sha256);
    },
    end: async () => undefined,
  };
}

/** The name is durable, too. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
