/** Helpers of the sandbox's own tests: a running sandbox, its control plane, and a merchant that receives notices. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type RunningSandbox, type SandboxOptions, startSandbox } from "../main.ts";

/** A JSON object without a promise about its fields, as tests pick what they check. */
// biome-ignore lint/suspicious/noExplicitAny: tests read whatever fields the wire has.
export type Json = any;

/** A message that reached the merchant. */
export type Received = { path: string; headers: IncomingHttpHeaders; body: string };

/** The merchant's side: keeps what arrives and answers what it is told to. */
export type Receiver = {
  url: string;
  received: Received[];
  /** How the next messages are answered. */
  reply: { status: number; body: string };
  /** Resolves when `count` messages have arrived since the start (or the last `clear`). */
  until(count: number): Promise<Received[]>;
  clear(): void;
  close(): Promise<void>;
};

export type TestSandbox = RunningSandbox & {
  /** A request to the control plane; throws with the sentence when it is refused. */
  control(path: string, body?: object): Promise<Json>;
};

/** Starts a sandbox on a free port. */
export async function startTestSandbox(options: Partial<SandboxOptions> = {}): Promise<TestSandbox> {
  const running = await startSandbox({ port: 0, seed: 7, ...options });
  return {
    ...running,
    async control(path, body) {
      const response = await fetch(`${running.url}/control${path}`, {
        method: body === undefined ? "GET" : "POST",
        ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      });
      const value: Json = await response.json();
      if (!response.ok) throw new Error(`${response.status} ${value.error}`);
      return value;
    },
  };
}

/** Starts a merchant's notice endpoint on a free port. */
export async function startReceiver(reply = { status: 204, body: "" }): Promise<Receiver> {
  const received: Received[] = [];
  let wake: () => void = () => undefined;
  const receiver: Receiver = {
    url: "",
    received,
    reply,
    async until(count) {
      while (received.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      return received;
    },
    clear() {
      received.length = 0;
    },
    close: () => new Promise((resolve) => void server.close(() => resolve()).closeAllConnections()),
  };
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push({
        path: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks).toString("utf8"),
      });
      response.writeHead(receiver.reply.status).end(receiver.reply.body);
      wake();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return receiver;
}
