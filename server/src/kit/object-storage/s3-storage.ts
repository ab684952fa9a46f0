/**
 * Objects in a bucket that speaks Amazon's S3: any that takes signatures of version 4 and names of buckets in the path. Each
 * object waits in a local file until its size and hash are known, so that the signature covers its content and the server
 * refuses one that was changed on the way; 5 GB is the most that one request carries.
 */
import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { AwsV4Signer } from "aws4fetch";
import { Agent, type Dispatcher } from "undici";
import type { ObjectStorage, ObjectStorageSettings, StorageTools } from "./object-storage.ts";
import { checkKey, holdToHash, makeKey, ObjectMissing, type Written, writeSpool } from "./stored-bytes.ts";

type S3Settings = Extract<ObjectStorageSettings, { kind: "s3" }>;

/** The storage answered what nobody can work with. The message names the status, never a credential. */
export class ObjectStorageFailed extends Error {
  override readonly name = "ObjectStorageFailed";
}

const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const BYTES_MAX = 5 * 2 ** 30;
/** Waited before a request is tried again, in milliseconds. */
const PAUSES_MS = [200, 1_000, 3_000];
const IDLE_MS = 60_000;

/** Opens no connection yet. */
export function createS3Storage(settings: S3Settings, tools: StorageTools): ObjectStorage {
  const agent = new Agent({ connections: 8, headersTimeout: IDLE_MS, bodyTimeout: IDLE_MS });
  const send = createSender(agent, settings, tools);
  return {
    async put(area, content) {
      const key = makeKey(area, tools);
      const written = await writeSpool(settings.folder, content, tools);
      try {
        if (written.bytes > BYTES_MAX) throw new ObjectStorageFailed(`An object may have ${BYTES_MAX} bytes at most`);
        const response = await withPatience(() => send("PUT", key, written));
        await response.body.dump();
        if (response.statusCode !== 200) throw refusal("PUT", key, response.statusCode);
        return { key, bytes: written.bytes, sha256: written.sha256 };
      } finally {
        await rm(written.path, { force: true });
      }
    },
    async get(key, sha256) {
      const response = await withPatience(() => send("GET", checkKey(key)));
      if (response.statusCode === 200) return holdToHash(key, response.body, sha256);
      await response.body.dump();
      if (response.statusCode === 404) throw new ObjectMissing(`There is no object ${key}`);
      throw refusal("GET", key, response.statusCode);
    },
    end: () => agent.close(),
  };
}

type Send = (method: "GET" | "PUT", key: string, content?: Written) => Promise<Dispatcher.ResponseData>;

function createSender(agent: Agent, settings: S3Settings, { clock }: StorageTools): Send {
  const { endpoint, bucket, region, access_key_id, secret_access_key } = settings;
  return async (method, key, content) => {
    const url = new URL(`${endpoint}/${bucket}/${key}`);
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: {
        "x-amz-content-sha256": content?.sha256 ?? EMPTY_SHA256,
        ...(content && { "content-type": "application/octet-stream" }),
      },
      accessKeyId: access_key_id,
      secretAccessKey: secret_access_key.reveal(),
      service: "s3",
      region,
      datetime: new Date(clock.now()).toISOString().replace(/[:-]|\.\d{3}/g, ""),
    });
    const { headers } = await signer.sign();
    return agent.request({
      origin: url.origin,
      path: url.pathname,
      method,
      headers: { ...Object.fromEntries(headers), ...(content && { "content-length": String(content.bytes) }) },
      body: content && content.bytes > 0 ? createReadStream(content.path) : null,
    });
  };
}

/** Tries again what broke or met a busy server: the same key with the same content is the same object. */
async function withPatience(act: () => Promise<Dispatcher.ResponseData>): Promise<Dispatcher.ResponseData> {
  for (const pause of PAUSES_MS) {
    const response = await act().catch(() => undefined);
    if (response && response.statusCode < 500 && response.statusCode !== 429) return response;
    await response?.body.dump();
    await sleep(pause);
  }
  return act().catch((error: unknown) => {
    // A server that refuses a signature may hang up before all of an object was sent.
    const message = `The object storage hangs up (${String(error)}): is it there, and are its keys right?`;
    throw new ObjectStorageFailed(message, { cause: error });
  });
}

function refusal(method: string, key: string, status: number): ObjectStorageFailed {
  return new ObjectStorageFailed(`The object storage answers ${method} ${key} with status ${status}`);
}
