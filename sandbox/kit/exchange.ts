/** What faults do to an HTTP exchange, whatever the channel. */
import { pipeline } from "node:stream/promises";
import type { FastifyReply } from "fastify";
import type { Sandbox } from "../context.ts";
import { waitReal } from "./deliveries.ts";
import type { Fault } from "./faults.ts";
import { encodeGbk } from "./gbk.ts";

const hang_ms_default = 15_000;
const slow_ms_default = 3000;

/** Hangs for the fault's `delay_ms` (15 s unless told) in real time, then drops the connection without a byte. */
export async function hangAndDrop(sandbox: Sandbox, fault: Fault, reply: FastifyReply): Promise<void> {
  reply.hijack();
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  await waitReal(fault.delay_ms ?? hang_ms_default, AbortSignal.any([gone.signal, sandbox.closing.signal]));
  reply.raw.destroy();
}

/** Waits for the fault's `delay_ms` (3 s unless told) in real time. */
async function dawdle(sandbox: Sandbox, fault: Fault): Promise<void> {
  await waitReal(fault.delay_ms ?? slow_ms_default, sandbox.closing.signal);
}

/** A page such as a proxy or a maintenance notice puts in the place of an answer. */
export const html_page = "<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>";

const gbk_page = encodeGbk("<html><head><title>系统维护</title></head><body>系统繁忙，请稍后再试</body></html>");
const mebibyte = Buffer.alloc(1_048_576, 0x20);
const huge_mebibytes = 100;

function* pieces(): Generator<Buffer> {
  for (let sent = 0; sent < huge_mebibytes; sent += 1) yield mebibyte;
}

/** Pours 100 MB, as fast as they are read and for as long as somebody reads. */
async function pour(reply: FastifyReply): Promise<void> {
  reply.hijack();
  reply.raw.writeHead(200, { "content-type": "application/json" });
  await pipeline(pieces, reply.raw).catch(() => undefined);
}

/** Sends half of what it promises, and drops the connection. */
function breakOff(reply: FastifyReply, content: Buffer): void {
  reply.hijack();
  reply.raw.writeHead(200, { "content-length": content.length });
  reply.raw.write(content.subarray(0, content.length / 2), () => reply.raw.destroy());
}

/**
 * What stands in the place of an answer whose work is done, or comes before it; true when the exchange is over. Faults
 * that leave the answer's form alone are the channel's own affair.
 */
export async function interfere(sandbox: Sandbox, fault: Fault, reply: FastifyReply): Promise<boolean> {
  switch (fault.fault) {
    case "timeout_after":
      await hangAndDrop(sandbox, fault, reply);
      return true;
    case "slow":
      await dawdle(sandbox, fault);
      return false;
    case "html":
      reply.code(200).type("text/html").send(html_page);
      return true;
    case "empty":
      reply.code(200).send("");
      return true;
    case "gbk":
      reply.code(200).type("text/html; charset=GBK").send(gbk_page);
      return true;
    case "huge":
      await pour(reply);
      return true;
    case "cut":
      breakOff(reply, Buffer.from('{"code": "00"}'));
      return true;
    default:
      return false;
  }
}

/** Sends a bill's file, unless a fault has it otherwise. */
export async function sendFile(
  sandbox: Sandbox,
  fault: Fault | undefined,
  content: Buffer,
  reply: FastifyReply,
): Promise<void> {
  if (fault?.fault === "timeout_before") return hangAndDrop(sandbox, fault, reply);
  if (fault?.fault === "http_500") return void reply.code(500).type("text/html").send(html_page);
  if (fault?.fault === "file_redirected") return void reply.redirect("https://bills.example/file", 302);
  if (fault?.fault === "cut") return breakOff(reply, content);
  if (fault !== undefined && (await interfere(sandbox, fault, reply))) return;
  const sent = Buffer.from(content);
  // Beyond the first header of an archive, and within its first file.
  const at = Math.min(160, sent.length >> 1);
  if (fault?.fault === "file_tampered") sent[at] = sent[at]! ^ 0x55;
  reply.code(200).type("application/octet-stream").send(sent);
}

/** True for a name or address of this machine or of a private network, where plain http is allowed. */
export function isPrivateHost(host: string): boolean {
  return (
    host === "localhost" ||
    host === "[::1]" ||
    /^(127|10)\.|^192\.168\.|^172\.(1[6-9]|2\d|3[01])\./.test(host) ||
    !host.includes(".")
  );
}
