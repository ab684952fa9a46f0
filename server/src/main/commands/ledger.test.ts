/**
 * Guarantees: the operator writes the proof of a merchant's day with one command, and whoever has the file checks it with
 * another, on a machine without a database; a changed file, another key or a day that is not over ends with a sentence
 * and a non-zero code.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { codeOf, paymentBody } from "../../../../test/platform/payments.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import { publicId } from "../../kit/id.ts";
import { localDay } from "../../kit/local-day.ts";
import type { AdministrationServices, WithServices } from "./administration.ts";
import { ledgerCommand } from "./ledger.ts";

const run = promisify(execFile);
const cli = new URL("../cli.ts", import.meta.url).pathname;
const DAY_MS = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), "tributary-proof-"));
const path = join(folder, "day.jsonl");
let platform: Platform;
let merchant: string;
let day: string;

beforeAll(async () => {
  platform = await startPlatform();
  merchant = publicId("merchant", platform.merchant.merchant_id);
  day = localDay(platform.clock.now(), "Asia/Shanghai");
  for (let count = 0; count < 3; count += 1) {
    await platform.sandbox.pay(codeOf(await platform.post("/v1/payments", paymentBody("wechat.native"))));
  }
  await platform.settle();
}, 60_000);

afterAll(async () => {
  await platform?.close();
  rmSync(folder, { recursive: true });
});

const withServices: WithServices = (use) =>
  use({ ...platform.services, mode: "demo" } as unknown as AdministrationServices);

async function act(args: string[], options: Record<string, unknown> = {}): Promise<string> {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    await ledgerCommand(withServices).run(args, options);
    return write.mock.calls.map(([line]) => line).join("");
  } finally {
    write.mockRestore();
  }
}

/** In a process of its own, without any setting that leads to a database. */
async function checkElsewhere(file: string, ...more: string[]): Promise<{ code: number; output: string }> {
  const env = { PATH: process.env.PATH, TRIBUTARY_DATA_DIR: folder };
  const args = ["--disable-warning=ExperimentalWarning", cli, "ledger", "verify-proof", file, ...more];
  return run(process.execPath, args, { env }).then(
    ({ stdout }) => ({ code: 0, output: stdout }),
    ({ code, stdout, stderr }) => ({ code, output: stdout + stderr }),
  );
}

test("a day that is not over cannot be proved yet", async () => {
  await expect(act(["prove"], { merchant, date: day, out: path })).rejects.toThrow("no close of this day");
  await expect(act(["prove"], { merchant, date: "tomorrow", out: path })).rejects.toThrow("YYYY-MM-DD");
  await expect(act(["prove"], { merchant, date: day })).rejects.toThrow("--out");
});

test("a proof is written once, holds elsewhere, and no longer when it was changed or another key is expected", async () => {
  await platform.advance(DAY_MS);
  expect(await act(["prove"], { merchant, date: day, out: path })).toContain("verify-proof");
  await expect(act(["prove"], { merchant, date: day, out: path })).rejects.toThrow("already");
  const good = await checkElsewhere(path);
  expect(good).toMatchObject({ code: 0, output: expect.stringContaining("Everything agrees") });
  expect(good.output).toContain(`${merchant}, test book, ${day} (Asia/Shanghai): 3 transactions`);
  const published = await platform.get("/.well-known/tributary-ledger-keys", { key: null });
  const [{ fingerprint }] = published.keys;
  expect((await checkElsewhere(path, "--key", fingerprint)).code).toBe(0);
  expect(await checkElsewhere(path, "--key", "0".repeat(64))).toMatchObject({
    code: 1,
    output: expect.stringContaining("not by 0000"),
  });
  const text = readFileSync(path, "utf8");
  writeFileSync(join(folder, "changed.jsonl"), text.replace('"1234"', '"1235"'));
  const changed = await checkElsewhere(join(folder, "changed.jsonl"));
  expect(changed).toMatchObject({ code: 1, output: expect.stringContaining("was changed, left out or added") });
  expect(changed.output).toContain("does not sum to zero in CNY");
  expect((await checkElsewhere(join(folder, "none.jsonl"))).output).toContain("cannot be read (ENOENT)");
});

test("the merchant reads the same proof over the API, and nobody else's", async () => {
  const answer = await fetch(`${platform.public_url}/v1/ledger_proofs/${day}`, {
    headers: { authorization: `Bearer ${platform.merchant.key}` },
  });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/jsonl; charset=utf-8"]);
  expect(await answer.text()).toBe(readFileSync(path, "utf8"));
  const missing = await platform.call("GET", "/v1/ledger_proofs/2026-01-01");
  expect(missing).toMatchObject({ status: 404, body: { error: { code: "daily_close.not_found" } } });
  const strange = await platform.call("GET", "/v1/ledger_proofs/today");
  expect(strange).toMatchObject({ status: 404, body: { error: { code: "daily_close.not_found" } } });
});
