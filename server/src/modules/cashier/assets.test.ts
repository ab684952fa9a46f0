/**
 * Guarantees: the cashier's script and style together stay within 30 KB compressed, are served as the exact bytes that
 * their name stands for, and may therefore be kept for ever.
 */
import { createHash } from "node:crypto";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { fastify } from "fastify";
import { expect, it } from "vitest";
import { createInMemoryCashierService } from "../../../../test/browser/cashier-service-in-memory.ts";
import { createManualClock } from "../../kit/clock.ts";
import type { ApiServer } from "../../kit/http/api.ts";
import { createLogger } from "../../kit/log.ts";
import { chooseEncoding, loadAssets } from "./assets.ts";
import { registerCashierRoutes } from "./routes.ts";

const BYTES_MAX = 30 * 1024;
const { script, style } = loadAssets();

it("weighs at most 30 KB, gzip included", () => {
  expect(script.bytes.br.length + style.bytes.br.length).toBeLessThan(BYTES_MAX);
  expect(script.bytes.gzip.length + style.bytes.gzip.length).toBeLessThan(BYTES_MAX);
});

it("holds the same bytes in every encoding, named by their hash", () => {
  for (const { bytes, name } of [script, style]) {
    expect(brotliDecompressSync(bytes.br)).toEqual(bytes.identity);
    expect(gunzipSync(bytes.gzip)).toEqual(bytes.identity);
    expect(name).toContain(createHash("sha256").update(bytes.identity).digest("hex").slice(0, 12));
  }
});

it("serves a script that a browser can parse, to be kept for a year", async () => {
  const clock = createManualClock(0);
  const server = fastify() as unknown as ApiServer;
  const service = createInMemoryCashierService(clock, "http://wallet.test");
  registerCashierRoutes(server, { service, public_url: "http://cashier.test", clock, log: createLogger("silent") });
  const headers = { "accept-encoding": "gzip, br" };
  const answer = await server.inject({ url: `/c/assets/${script.name}`, headers });
  expect(answer.headers).toMatchObject({
    "content-encoding": "br",
    "content-type": "text/javascript; charset=utf-8",
    "cache-control": "public, max-age=31536000, immutable",
  });
  const text = brotliDecompressSync(answer.rawPayload).toString("utf8");
  expect(text).not.toMatch(/\binterface\b|: HTMLElement/);
  expect(() => new Function(text.replace("export {};", ""))).not.toThrow();
});

it.each([
  ["gzip, deflate, br", "br"],
  ["gzip", "gzip"],
  ["br;q=0, gzip;q=0.5", "gzip"],
  ["identity", "identity"],
  [undefined, "identity"],
])("answers %s with %s", (header, encoding) => {
  expect(chooseEncoding(header)).toBe(encoding);
});
