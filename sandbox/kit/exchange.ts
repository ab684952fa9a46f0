/** What faults do to an HTTP exchange, whatever the channel. */
import type { FastifyReply } from "fastify";
import type { Sandbox } from "../context.ts";
import { waitReal } from "./deliveries.ts";
import type { Fault } from "./faults.ts";

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
export async function dawdle(sandbox: Sandbox, fault: Fault): Promise<void> {
  await waitReal(fault.delay_ms ?? slow_ms_default, sandbox.closing.signal);
}

/** A page such as a proxy or a maintenance notice puts in the place of an answer. */
export const html_page = "<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>";

/** True for a name or address of this machine or of a private network, where plain http is allowed. */
export function isPrivateHost(host: string): boolean {
  return (
    host === "localhost" ||
    host === "[::1]" ||
    /^(127|10)\.|^192\.168\.|^172\.(1[6-9]|2\d|3[01])\./.test(host) ||
    !host.includes(".")
  );
}
