/**
 * Files that the platform keeps for good: bills as they came, uploads, exports. What is put is never overwritten and never
 * changed; its key says when it came, its SHA-256 what it was.
 */
import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import type { Secret } from "../secret.ts";
import { createLocalStorage } from "./local-storage.ts";
import { createS3Storage } from "./s3-storage.ts";

export interface StoredObject {
  /** Such as `bills/2026/11/20/0f…`; lower-case letters, digits, dashes and slashes. */
  readonly key: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface ObjectStorage {
  /**
   * Keeps what `content` gives, under a new key in `area` (such as `bills`). Nothing is kept when `content` throws, which is
   * thrown on. Resolves when the object is durable.
   */
  put(area: string, content: AsyncIterable<Uint8Array>): Promise<StoredObject>;
  /** The object as it was put. With `sha256`, throws ObjectDamaged after the last chunk of another one. Throws ObjectMissing. */
  get(key: string, sha256?: string): Promise<AsyncIterable<Buffer>>;
  end(): Promise<void>;
}

/** Where objects are kept. */
export type ObjectStorageSettings =
  | { readonly kind: "local"; readonly folder: string }
  | {
      readonly kind: "s3";
      /** Such as `https://s3.eu-central-1.amazonaws.com`, without a trailing slash. */
      readonly endpoint: string;
      readonly bucket: string;
      readonly region: string;
      readonly access_key_id: string;
      readonly secret_access_key: Secret;
      /** Where an object waits until its size and hash are known. */
      readonly folder: string;
    };

/** What both kinds work with. */
export interface StorageTools {
  readonly clock: Clock;
  readonly random: Random;
}

/** Opens nothing yet. */
export function createObjectStorage(settings: ObjectStorageSettings, tools: StorageTools): ObjectStorage {
  return settings.kind === "local" ? createLocalStorage(settings.folder, tools) : createS3Storage(settings, tools);
}
