// Guarantee: no merchant can make the platform call its own network: private, local, reserved and metadata addresses are
// refused in every spelling, as literals, as names, and as what a name resolves to when the connection is made.
import { generateKeyPairSync } from "node:crypto";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { issueCertificate } from "../../../../sandbox/kit/x509.ts";
import { systemClock } from "../../kit/clock.ts";
import { checkAddress, checkReceiverUrl, ReceiverRefusedError, resolveReceiver } from "./receiver-address.ts";
import { createWebhookSender, type SenderOptions } from "./send-webhook.ts";
import { type Receiver, startReceiver } from "./testing/harness.ts";

const strict = { allow_private_addresses: false };
const open = { allow_private_addresses: true };

const isRefused = (check: () => unknown): boolean => {
  try {
    check();
    return false;
  } catch (error) {
    if (error instanceof ReceiverRefusedError) return true;
    throw error;
  }
};

test.each([
  "https://127.0.0.1/",
  "https://127.1/",
  "https://2130706433/",
  "https://0x7f000001/",
  "https://0177.0.0.1/",
  "https://0.0.0.0/",
  "https://10.1.2.3/",
  "https://172.16.0.1/",
  "https://192.168.1.1/",
  "https://100.64.0.1/",
  "https://169.254.169.254/latest/meta-data/",
  "https://100.100.100.200/",
  "https://192.0.0.192/",
  "https://198.18.0.1/",
  "https://224.0.0.1/",
  "https://240.0.0.1/",
  "https://255.255.255.255/",
  "https://[::]/",
  "https://[::1]/",
  "https://[fe80::1]/",
  "https://[fc00::1]/",
  "https://[fd00:ec2::254]/",
  "https://[ff02::1]/",
  "https://[::ffff:127.0.0.1]/",
  "https://[::127.0.0.1]/",
  "https://[::a9fe:a9fe]/",
  "https://[::8.8.8.8]/",
  "https://168.63.129.16/",
  "https://[::ffff:a9fe:a9fe]/",
  "https://[64:ff9b::a00:1]/",
  "https://[2002:7f00:1::]/",
  "https://[2001:0:1::1]/",
  "https://localhost/",
  "https://LOCALHOST./",
  "https://api.localhost/",
  "https://printer.local/",
  "https://db.internal/",
  "https://router.home.arpa/",
])("%s is refused", (url) => {
  expect(isRefused(() => checkReceiverUrl(url, false, strict))).toBe(true);
});

test.each([
  ["not a URL", "shop.example/hook"],
  ["a single slash", "https:/shop.example/hook"],
  ["back slashes", "https:\\\\shop.example\\hook"],
  ["blanks", " https://shop.example/hook"],
  ["another scheme", "ftp://shop.example/hook"],
  ["a file", "file:///etc/passwd"],
  ["a user name", "https://user@shop.example/hook"],
  ["a password", "https://user:secret@shop.example/hook"],
  ["a fragment", "https://shop.example/hook#part"],
  ["a mail port", "https://shop.example:25/hook"],
  ["the port of SIP", "https://shop.example:5060/hook"],
  ["endless length", `https://shop.example/${"a".repeat(2048)}`],
  ["clear text for live events", "http://shop.example/hook"],
])("a URL with %s is refused, even where private addresses are allowed", (_what, url) => {
  expect(isRefused(() => checkReceiverUrl(url, true, open))).toBe(true);
});

test("public addresses are accepted and come back in normal form", () => {
  expect(checkReceiverUrl("https://Shop.Example:443/hook?a=1", true, strict).href).toBe(
    "https://shop.example/hook?a=1",
  );
  expect(checkReceiverUrl("http://shop.example:8080/", false, strict).href).toBe("http://shop.example:8080/");
  expect(checkReceiverUrl("https://8.8.8.8/", true, strict).hostname).toBe("8.8.8.8");
  expect(checkReceiverUrl("https://[2606:4700::1111]/", true, strict).hostname).toBe("[2606:4700::1111]");
});

test("allowing private addresses opens the operator's networks, never link-local, multicast or metadata", () => {
  for (const address of ["127.0.0.1", "::1", "10.0.0.8", "192.168.0.8", "172.31.0.1", "100.64.0.9", "fd12::1"]) {
    expect(isRefused(() => checkAddress(address, open))).toBe(false);
  }
  const never = ["169.254.169.254", "fe80::1", "0.0.0.0", "224.0.0.1", "100.100.100.200", "fd00:ec2::254"];
  for (const address of [...never, "168.63.129.16", "::ffff:168.63.129.16", "::7f00:1", "::a00:1"]) {
    expect(isRefused(() => checkAddress(address, open))).toBe(true);
  }
});

test("every private IPv4 address is refused in every way to write it", () => {
  const blocks = [
    [0x0a000000, 24],
    [0x7f000000, 24],
    [0xac100000, 20],
    [0xc0a80000, 16],
    [0xa9fe0000, 16],
    [0x64400000, 22],
    [0x00000000, 24],
  ] as const;
  const privateAddress = fc
    .tuple(fc.constantFrom(...blocks), fc.nat({ max: 0xffffff }))
    .map(([[base, bits], low]) => (base + (low & ((1 << bits) - 1))) >>> 0);
  const spellings = (address: number) => {
    const octets = [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff);
    const hex = address.toString(16).padStart(8, "0");
    return [
      octets.join("."),
      octets.map((octet) => `0${octet.toString(8)}`).join("."),
      String(address),
      `0x${hex}`,
      `[::ffff:${octets.join(".")}]`,
      `[::ffff:${hex.slice(0, 4)}:${hex.slice(4)}]`,
    ];
  };
  fc.assert(
    fc.property(privateAddress, (address) => {
      for (const host of spellings(address)) {
        expect(
          isRefused(() => checkReceiverUrl(`https://${host}/`, true, strict)),
          host,
        ).toBe(true);
      }
    }),
  );
});

test("a name with one private address among public ones is refused", async () => {
  const lookup = async () => [
    { address: "8.8.8.8", family: 4 },
    { address: "10.0.0.1", family: 4 },
  ];
  await expect(resolveReceiver("shop.example", { ...strict, lookup })).rejects.toBeInstanceOf(ReceiverRefusedError);
});

let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
});

afterAll(() => receiver?.close());

async function sendTo(url: string, options: Partial<SenderOptions>) {
  const limits = { connections_max: 2, connect_timeout_ms: 2_000, total_timeout_ms: 5_000 };
  const sender = createWebhookSender({ ...strict, ...limits, ...options });
  try {
    return await sender.send({ url, livemode: false, headers: {}, body: "{}" });
  } finally {
    await sender.close();
  }
}

const loopback = { address: "127.0.0.1", family: 4 };

test("a public name that resolves to loopback when the connection is made is not called", async () => {
  const before = receiver.received.length;
  const result = await sendTo(`http://rebound.example:${receiver.port}/hook`, { lookup: async () => [loopback] });
  expect(result).toEqual({
    kind: "failed",
    reason: "The address is refused: private, local and reserved addresses are not allowed.",
  });
  expect(receiver.received).toHaveLength(before);
});

test("a literal private address stored while it was allowed is not called once it is not", async () => {
  const before = receiver.received.length;
  expect(await sendTo(receiver.url, {})).toMatchObject({ kind: "failed" });
  expect(receiver.received).toHaveLength(before);
});

test("the connection goes to the address that was checked, asked for once", async () => {
  let asked = 0;
  const lookup = async () => {
    asked++;
    return [loopback];
  };
  const result = await sendTo(`http://shop.example:${receiver.port}/pinned`, { ...open, lookup });
  expect(result).toMatchObject({ kind: "answered", status_code: 204 });
  expect(asked).toBe(1);
  expect(receiver.received.at(-1)).toMatchObject({
    path: "/pinned",
    headers: { host: `shop.example:${receiver.port}` },
  });
});

/** An HTTPS receiver whose certificate is signed by itself, for the name `shop.example`. */
async function startTlsReceiver() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const name = [["CN", "shop.example"]] as const;
  const now = systemClock.now();
  const cert = issueCertificate({
    ...{ serial_hex: "1234", subject: name, issuer: name, public_key: publicKey, signer: privateKey },
    ...{ not_before_ms: now - 60_000, not_after_ms: now + 3_600_000, authority: true },
  });
  let requests = 0;
  const key = privateKey.export({ type: "pkcs8", format: "pem" });
  const server = createTlsServer({ cert, key }, (_request, response) => {
    requests++;
    response.writeHead(200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { cert, port, requests: () => requests, close: () => server.close() };
}

test("live events go only to a receiver whose certificate is trusted and bears its name", async () => {
  const secure = await startTlsReceiver();
  const options = { ...open, lookup: async () => [loopback] };
  const usual = getCACertificates("default");
  try {
    const untrusted = await sendTo(`https://shop.example:${secure.port}/`, options);
    expect(untrusted).toMatchObject({ kind: "failed", reason: expect.stringContaining("TLS certificate") });
    setDefaultCACertificates([...usual, secure.cert]);
    const misnamed = await sendTo(`https://other.example:${secure.port}/`, options);
    expect(misnamed).toMatchObject({ kind: "failed", reason: expect.stringContaining("TLS certificate") });
    expect(secure.requests()).toBe(0);
    const trusted = await sendTo(`https://shop.example:${secure.port}/`, options);
    expect(trusted).toMatchObject({ kind: "answered", status_code: 200 });
  } finally {
    setDefaultCACertificates(usual);
    secure.close();
  }
});

test("a receiver that speaks no TLS gets nothing of a live event", async () => {
  let bytes = "";
  const plain = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      bytes += chunk.toString("latin1");
      socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    });
  });
  await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
  const { port } = plain.address() as AddressInfo;
  const result = await sendTo(`https://shop.example:${port}/hook`, { ...open, lookup: async () => [loopback] });
  plain.close();
  expect(result.kind).toBe("failed");
  expect(bytes).not.toContain("POST");
});
