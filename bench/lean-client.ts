/**
 * Posts JSON over kept-alive connections, and nothing else: what the driver of the bench spends is missing to what it
 * measures, and a merchant's system would run on another machine. Understands answers with a Content-Length only.
 */
import { connect, type Socket } from "node:net";

/** What came back. */
export interface LeanAnswer {
  status: number;
  body: string;
}

interface Waiting {
  resolve(answer: LeanAnswer): void;
  reject(error: Error): void;
}

const HEAD_END = Buffer.from("\r\n\r\n");

/** Gives a function that posts to one origin; a connection carries one request at a time. */
export function createLeanClient(origin: string, headers: Readonly<Record<string, string>> = {}) {
  const { hostname, port, host } = new URL(origin.replace("//localhost:", "//127.0.0.1:"));
  const fixed = Object.entries({ host, "content-type": "application/json", ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
  const idle: ((text: string, waiting: Waiting) => void)[] = [];
  return (path: string, value: unknown): Promise<LeanAnswer> =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify(value);
      const text = `POST ${path} HTTP/1.1\r\n${fixed}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
      const send = idle.pop() ?? openConnection(connect(Number(port), hostname), (free) => idle.push(free));
      send(text, { resolve, reject });
    });
}

/** @param release told when the connection may be used again. */
function openConnection(socket: Socket, release: (send: (text: string, waiting: Waiting) => void) => void) {
  let waiting: Waiting | undefined;
  let received: Buffer = Buffer.alloc(0);
  const fail = (error: Error) => waiting?.reject(error);
  socket.setNoDelay(true);
  socket.on("error", fail);
  socket.on("close", () => fail(new Error("a connection was closed before the answer")));
  socket.on("data", (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const answer = readAnswer(received);
    if (answer === undefined || waiting === undefined) return;
    received = Buffer.alloc(0);
    const { resolve } = waiting;
    waiting = undefined;
    release(send);
    resolve(answer);
  });
  const send = (text: string, asker: Waiting) => {
    waiting = asker;
    socket.write(text);
  };
  return send;
}

/** The answer, once all of it is there. */
function readAnswer(received: Buffer): LeanAnswer | undefined {
  const end = received.indexOf(HEAD_END);
  if (end === -1) return undefined;
  const head = received.toString("latin1", 0, end);
  const from = end + HEAD_END.length;
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1]);
  if (!(length >= 0)) throw new Error(`an answer says nothing of its length:\n${head}`);
  if (received.length < from + length) return undefined;
  return { status: Number(head.slice(9, 12)), body: received.toString("utf8", from, from + length) };
}
