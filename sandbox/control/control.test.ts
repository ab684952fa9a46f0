/**
 * Guarantees the control plane and the process around it: every code finds its trade, merchants are registered once,
 * a restart keeps keys, trades and due notices, faults of the operator get one clear sentence.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSandbox } from "../main.ts";
import { type Json, startReceiver, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { makeCall, makeOrder, makeWechatMerchant, openNotice, placeAndPay } from "../testing/wechat-client.ts";

let sandbox: TestSandbox;
let folder: string;

beforeAll(async () => {
  sandbox = await startTestSandbox();
  folder = await mkdtemp(join(tmpdir(), "sandbox-test-"));
});
afterAll(async () => {
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
});

describe("merchants", () => {
  it("are registered once: the same mchid answers the same keys", async () => {
    const first = await sandbox.control("/merchants", { channel: "wechat", mchid: "1900000109", appid: "wxabcdef01" });
    const again = await sandbox.control("/merchants", { channel: "wechat", mchid: "1900000109" });
    expect(again).toEqual(first);
    const alipay = await sandbox.control("/merchants", { channel: "alipay", app_id: "2021000000000009" });
    expect(await sandbox.control("/merchants", { channel: "alipay", app_id: "2021000000000009" })).toEqual(alipay);
    expect((await sandbox.control("/merchants")).data.length).toBeGreaterThanOrEqual(2);
  });

  it("may bring their own key or certificate", async () => {
    const made = await sandbox.control("/merchants", { channel: "wechat" });
    const own = await sandbox.control("/merchants", {
      channel: "wechat",
      merchant_certificate_pem: made.merchant_certificate_pem,
    });
    expect(own.merchant_serial_no).toBe(made.merchant_serial_no);
    expect(own.merchant_private_key_pem).toBeUndefined();
    const call = makeCall(
      sandbox,
      { ...own, merchant_private_key_pem: made.merchant_private_key_pem },
      {
        [own.platform_serial_no]: own.platform_certificate_pem,
      },
    );
    const placed = await call("post", "/v3/pay/transactions/native", makeOrder(own, "http://127.0.0.1:9/n"));
    expect(placed.status).toBe(200);
  });

  it.each([
    [{ channel: "wechat", mchid: "12" }, /"mchid" must be/],
    [{ channel: "wechat", merchant_public_key_pem: "nonsense" }, /not valid PEM/],
    [{ channel: "alipay", app_public_key_pem: "nonsense" }, /not a valid public key/],
    [{ channel: "alipay", mchid: "1900000109" }, /Unknown field "mchid"/],
    [{ channel: "wechat", verify_mode: "both?" }, /"verify_mode" must be one of/],
  ])("are refused with a sentence: %j", async (fields, sentence) => {
    await expect(sandbox.control("/merchants", fields)).rejects.toThrow(sentence);
  });
});

describe("finding a trade", () => {
  it("accepts the QR content, the wallet's address, the prepay id and every number", async () => {
    const merchant = await makeWechatMerchant(sandbox);
    const order = makeOrder(merchant, "http://127.0.0.1:9/n");
    const { data } = await merchant.call("post", "/v3/pay/transactions/native", order);
    const { prepay_id } = await sandbox.control(`/trades/${order.out_trade_no}`);
    const wallet = `${sandbox.url}/wallet/pay?code=${encodeURIComponent(data.code_url)}`;
    for (const code of [data.code_url, wallet, prepay_id, `prepay_id=${prepay_id}`, order.out_trade_no]) {
      expect(await sandbox.control("/pay", { code, outcome: "fail" })).toMatchObject({
        out_trade_no: order.out_trade_no,
      });
    }
  });

  it("answers 404 for what it does not know and 409 for a number that two merchants have", async () => {
    await expect(sandbox.control("/pay", { code: "weixin://wxpay/bizpayurl?pr=nothing" })).rejects.toThrow(
      /404 Nothing/,
    );
    const pair = [await makeWechatMerchant(sandbox), await makeWechatMerchant(sandbox)];
    for (const merchant of pair) {
      const order = makeOrder(merchant, "http://127.0.0.1:9/n", { out_trade_no: "SAMENUMBER" });
      await merchant.call("post", "/v3/pay/transactions/native", order);
    }
    await expect(sandbox.control("/pay", { code: "SAMENUMBER" })).rejects.toThrow(/409 2 merchants/);
  });

  it.each([
    [{}, /"code" is required/],
    [{ code: 5 }, /"code" must be a non-empty string/],
    [{ code: "x", outcome: "maybe" }, /"outcome" must be one of success, fail/],
    [{ code: "x", notify: "no" }, /"notify" must be true or false/],
  ])("refuses %j with a sentence", async (body, sentence) => {
    await expect(sandbox.control("/pay", body)).rejects.toThrow(sentence);
  });

  it("refuses a body that is no JSON object", async () => {
    const send = (body: string) => fetch(`${sandbox.url}/control/pay`, { method: "POST", body });
    expect(await (await send("{")).json()).toEqual({ error: "The body is not valid JSON." });
    expect(await (await send("[]")).json()).toEqual({ error: "The body must be a JSON object." });
  });
});

describe("a restart", () => {
  it("keeps keys and trades, and goes on with a notice that was due", async () => {
    const dataFile = join(folder, "state.json");
    const receiver = await startReceiver({ status: 500, body: "" });
    const first = await startTestSandbox({ dataFile });
    const merchant = await makeWechatMerchant(first, { verify_mode: "both" });
    const alipay = await first.control("/merchants", { channel: "alipay", mode: "certificate" });
    const paid = await placeAndPay(first, merchant, `${receiver.url}/notice`);
    await receiver.until(1);
    await first.close();

    const second = await startTestSandbox({ dataFile });
    const known = (await second.control("/merchants")).data;
    expect(known.map((item: Json) => item.api_v3_key ?? item.alipay_root_cert_sn)).toEqual([
      merchant.api_v3_key,
      alipay.alipay_root_cert_sn,
    ]);
    const call = makeCall(second, merchant, merchant.certs);
    const asked = await call("get", `/v3/pay/transactions/id/${paid.transaction_id}`, {
      params: { mchid: merchant.mchid },
    });
    expect(asked.data).toMatchObject({
      trade_state: "SUCCESS",
      out_trade_no: paid.out_trade_no,
      amount: { total: 1234 },
    });
    await second.control("/clock", { advance: 15 });
    await receiver.until(2);
    expect(openNotice(merchant, receiver.received[1]!).content.transaction_id).toBe(paid.transaction_id);
    await second.close();
    await receiver.close();
  });

  it("refuses a damaged file with a sentence", async () => {
    const dataFile = join(folder, "damaged.json");
    await writeFile(dataFile, "{ not json");
    await expect(startSandbox({ port: 0, dataFile })).rejects.toThrow(/is damaged.*Move it away/);
  });
});

describe("web pages elsewhere", () => {
  /** The status of the clock's address, asked with these headers. */
  async function ask(headers: Record<string, string>, { port } = sandbox): Promise<number | undefined> {
    const request = httpRequest({ host: "127.0.0.1", port, path: "/control/clock", headers }).end();
    const [response] = await once(request, "response");
    response.resume();
    return response.statusCode;
  }

  it("are refused, by their Origin and by a name that was made to point here", async () => {
    const local = ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"].map((name) => `${name}:${sandbox.port}`);
    for (const host of local) {
      expect(await ask({ host })).toBe(200);
      expect(await ask({ host, origin: `http://${host.toLowerCase()}` })).toBe(200);
      for (const origin of ["https://evil.example", "null", `http://localhost.evil.example:${sandbox.port}`]) {
        expect([host, origin, await ask({ host, origin })]).toEqual([host, origin, 403]);
      }
    }
    for (const host of ["evil.example", `evil.example:${sandbox.port}`, "localhost", "localhost:1", "10.0.0.1:8090"]) {
      expect([host, await ask({ host })]).toEqual([host, 403]);
    }
  });

  it("may be its own, at its public address", async () => {
    const shown = await startTestSandbox({ publicUrl: "https://sandbox.example/" });
    expect(await ask({ host: "sandbox.example", origin: "https://sandbox.example" }, shown)).toBe(200);
    expect(await ask({ host: "sandbox.example", origin: "http://sandbox.example" }, shown)).toBe(403);
    expect(await ask({ host: `127.0.0.1:${shown.port}` }, shown)).toBe(200);
    await shown.close();
  });
});

describe("the process", () => {
  const main = new URL("../main.ts", import.meta.url).pathname;

  it("says in one sentence that the port is in use, and exits non-zero", async () => {
    const child = spawn(process.execPath, [main, "--port", String(sandbox.port)]);
    let text = "";
    child.stderr.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    const [code] = await once(child, "exit");
    expect(code).toBe(1);
    expect(text).toMatch(/^The sandbox cannot start: port \d+ of 127\.0\.0\.1 is in use\.[^\n]*\n$/);
  });

  it("starts, says where it is, and stops in order on SIGTERM", async () => {
    const child = spawn(process.execPath, [main, "--port", "0", "--data", join(folder, "process.json")]);
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    const url = /at (http:\/\/127\.0\.0\.1:\d+)/.exec(line.toString())?.[1];
    expect(await (await fetch(`${url}/healthz`)).json()).toEqual({ status: "ok", simulation: true });
    child.kill("SIGTERM");
    expect((await once(child, "exit"))[0]).toBe(0);
  });

  it("ends when the parent that started it is gone", async () => {
    const child = spawn(process.execPath, [main, "--port", "0"], { stdio: ["ignore", "pipe", "pipe", "ipc"] });
    await once(child.stdout!, "data");
    child.disconnect();
    expect((await once(child, "exit"))[0]).toBe(0);
  });
});

describe("reset", () => {
  it("forgets trades, faults and clock moves and keeps merchants", async () => {
    const merchant = await makeWechatMerchant(sandbox);
    await merchant.call("post", "/v3/pay/transactions/native", makeOrder(merchant, "http://127.0.0.1:9/n"));
    await sandbox.control("/faults", { channel: "wechat", operation: "*", fault: "slow" });
    await sandbox.control("/clock", { advance: 3600 });
    expect((await sandbox.control("/clock")).offset_s).toBe(3600);
    await sandbox.control("/reset", {});
    expect((await sandbox.control("/trades")).data).toEqual([]);
    expect((await sandbox.control("/faults")).data).toEqual([]);
    expect((await sandbox.control("/clock")).offset_s).toBe(0);
    expect((await sandbox.control("/merchants")).data.length).toBeGreaterThan(0);
  });
});
