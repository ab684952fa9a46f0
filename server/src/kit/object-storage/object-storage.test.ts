/**
 * Guarantees: what is put is there whole and unchanged, under a key that nobody else has, or not at all; what was damaged or
 * is missing says so; keys lead nowhere else. The same for a folder and for a bucket. The bucket is a small server of this
 * test's, which checks signatures of version 4 by its own code; it is no S3.
 */
import { createHash, createHmac, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createManualClock } from "../clock.ts";
import { systemRandom } from "../random.ts";
import { Secret } from "../secret.ts";
import { createObjectStorage, type ObjectStorage } from "./object-storage.ts";

const clock = createManualClock(Date.UTC(2026, 10, 20, 4, 5, 6));
const tools = { clock, random: systemRandom };
const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
let folder: string;
let server: Server;
let url: string;
/** What the bucket holds, by path; and how many requests it fails first. */
const bucket = new Map<string, Buffer>();
let failures = 0;

const sha256 = (bytes: string | Buffer) => createHash("sha256").update(bytes).digest("hex");
const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/** AWS's own words: a canonical request, a text to sign, a key of the day. */
function isSigned({ method, url: path = "", headers }: IncomingMessage, body: Buffer): boolean {
  const authorization = headers.authorization ?? "";
  const [, scope = "", names = "", signature = ""] =
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      authorization,
    ) ?? [];
  const [day = "", region = "", service = "", end = ""] = scope.split("/");
  const declared = String(headers["x-amz-content-sha256"]);
  const canonical = [
    ...[method, path.split("?")[0], path.split("?")[1] ?? ""],
    ...names.split(";").map((name) => `${name}:${String(headers[name]).trim()}`),
    ...["", names, declared],
  ].join("\n");
  const text = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, sha256(canonical)].join("\n");
  const key = hmac(hmac(hmac(hmac(`AWS4${SECRET}`, day), region), service), end);
  const isNow = headers["x-amz-date"] === "20261120T040506Z" && day === "20261120";
  const covered = names.split(";").includes("host") && names.split(";").includes("x-amz-content-sha256");
  return isNow && covered && hmac(key, text).toString("hex") === signature && declared === sha256(body);
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "object-storage-"));
  server = createServer(async (request, response) => {
    const body = await buffer(request);
    const answer = (status: number, content: Buffer | string = "") => response.writeHead(status).end(content);
    if (failures > 0) {
      failures -= 1;
      return answer(503, "SlowDown");
    }
    if (!isSigned(request, body)) return answer(403, "SignatureDoesNotMatch");
    if (request.method === "PUT") {
      bucket.set(request.url!, body);
      return answer(200);
    }
    const found = bucket.get(request.url!);
    return found ? answer(200, found) : answer(404, "NoSuchKey");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
beforeEach(() => {
  failures = 0;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});

const s3 = (changes: object = {}) =>
  createObjectStorage(
    {
      ...({ kind: "s3", endpoint: url, bucket: "tributary", region: "eu-central-1" } as const),
      ...{ access_key_id: "AKIDEXAMPLE", secret_access_key: new Secret(SECRET), folder: join(folder, "spool") },
      ...changes,
    },
    tools,
  );
const local = () => createObjectStorage({ kind: "local", folder: join(folder, "objects") }, tools);

const kinds: [string, () => ObjectStorage, (key: string) => void, string][] = [
  ["a folder", local, (key) => writeFileSync(join(folder, "objects", key), "changed"), "objects/.parts"],
  ["a bucket", s3, (key) => void bucket.set(`/tributary/${key}`, Buffer.from("changed")), "spool"],
];

describe.each(kinds)("%s", (_, open, damage, parts) => {
  const chunksOf = (...texts: (string | Buffer)[]) => Readable.from(texts.map((text) => Buffer.from(text)));

  it("gives what was put, by chunks, under a key that says when it came", async () => {
    const storage = open();
    const content = randomBytes(1_000_000);
    const made = await storage.put("bills", chunksOf(content.subarray(0, 7), content.subarray(7)));
    expect(made).toEqual({
      key: expect.stringMatching(/^bills\/2026\/11\/20\/[0-9a-f]{32}$/),
      bytes: content.length,
      sha256: sha256(content),
    });
    expect(Buffer.compare(await buffer(await storage.get(made.key, made.sha256)), content)).toBe(0);
    expect(readdirSync(join(folder, parts))).toEqual([]);
    await storage.end();
  });

  it("keeps an empty object, and the same content twice under two keys", async () => {
    const storage = open();
    const [one, two] = [await storage.put("bills", chunksOf()), await storage.put("bills", chunksOf())];
    expect(one.key).not.toBe(two.key);
    expect(await buffer(await storage.get(one.key, sha256("")))).toHaveLength(0);
    await storage.end();
  });

  it("keeps nothing of what broke off", async () => {
    const storage = open();
    async function* broken() {
      yield Buffer.from("half");
      throw new Error("cut");
    }
    const before = bucket.size;
    await expect(storage.put("bills", broken())).rejects.toThrow("cut");
    expect([bucket.size, readdirSync(join(folder, parts))]).toEqual([before, []]);
    await storage.end();
  });

  it("says that an object is damaged or missing, and follows no other path", async () => {
    const storage = open();
    const made = await storage.put("bills", chunksOf("as it came"));
    damage(made.key);
    await expect(storage.get(made.key, made.sha256).then(buffer)).rejects.toMatchObject({ name: "ObjectDamaged" });
    const missing = `bills/2026/11/20/${"0".repeat(32)}`;
    for (const key of [missing, "../../etc/passwd", "bills/../../x", `/${made.key}`, ""])
      await expect(storage.get(key)).rejects.toMatchObject({ name: "ObjectMissing" });
    await expect(storage.put("../bills", chunksOf("x"))).rejects.toThrow("no area");
    await storage.end();
  });
});

describe("a bucket", () => {
  it("is asked again when it is busy", async () => {
    const storage = s3();
    failures = 1;
    const made = await storage.put("bills", Readable.from([Buffer.from("patience")]));
    failures = 1;
    expect((await buffer(await storage.get(made.key))).toString()).toBe("patience");
    await storage.end();
  });

  it("that refuses the key is an error that shows no secret", async () => {
    const storage = s3({ secret_access_key: new Secret("another") });
    const error = await storage.put("bills", Readable.from([Buffer.from("x")])).catch((thrown: Error) => thrown);
    expect(String(error)).toMatch(/ObjectStorageFailed: .+ status 403/);
    expect(String(error)).not.toContain("another");
    await storage.end();
  });
});
