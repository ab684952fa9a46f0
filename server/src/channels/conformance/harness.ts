/**
 * What the conformance suite runs on: the adapter, the real caller, and a channel that it reaches over HTTP only. The
 * test files start that channel (the sandbox) and hand over its address, so that nothing here knows its code.
 */
import { generateKeyPairSync } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../kit/clock.ts";
import { createIdSource, encodeUuid } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { money } from "../../kit/money.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { type ChannelCaller, createChannelCaller } from "../call.ts";
import type { ChannelAccount, ChannelContext, Method, PayInput, RefundInput, WireNotice } from "../contract.ts";

export const context = (account: ChannelAccount): ChannelContext => ({
  account,
  clock: systemClock,
  random: systemRandom,
});

const ids = createIdSource(systemClock, systemRandom);

/** A new UUID, for an account. */
export const makeUuid = (): string => ids.uuid();

/** A new number of an attempt or a refund: 26 characters. */
export const makeNumber = (): string => encodeUuid(ids.uuid());

/** Short, because the suite waits for it; the faults hang far longer. */
const IMPATIENT_MS = 1_000;

/** Callers whose log lines are kept. `impatient` is for calls that are meant to time out. */
export function createObservedCallers(): { caller: ChannelCaller; impatient: ChannelCaller; lines: string[] } {
  const lines: string[] = [];
  const log = createLogger("debug", { write: (line) => void lines.push(line) });
  const options = { clock: systemClock, random: systemRandom, log };
  return {
    caller: createChannelCaller(options),
    impatient: createChannelCaller({ ...options, timeout_ms: IMPATIENT_MS }),
    lines,
  };
}

/** The channel's control plane. Throws with the channel's sentence when it refuses. */
export interface ControlPlane {
  readonly url: string;
  post(path: string, body: object): Promise<Record<string, unknown>>;
  get(path: string): Promise<Record<string, unknown>>;
}

export function createControlPlane(url: string): ControlPlane {
  const read = async (response: Response) => {
    const body = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(body)}`);
    return body;
  };
  return {
    url,
    async post(path, body) {
      const headers = { "content-type": "application/json" };
      return read(await fetch(`${url}/control/${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
    },
    async get(path) {
      return read(await fetch(`${url}/control/${path}`));
    },
  };
}

/** A merchant's address for notices: keeps what arrives, and answers what `reply` says. */
export interface NoticeReceiver {
  readonly url: string;
  /** Resolves with the next notice that came to `url/key` and that nobody has taken yet. */
  next(key: string): Promise<WireNotice>;
  reply: () => { status: number; headers: Readonly<Record<string, string>>; body: string };
  close(): Promise<void>;
}

interface Box {
  readonly waiting: WireNotice[];
  readonly takers: ((notice: WireNotice) => void)[];
}

/** @param numberOf what stands for the last part of the path, where all notices come to one address. */
export async function startNoticeReceiver(
  numberOf?: (notice: WireNotice) => string | undefined,
): Promise<NoticeReceiver> {
  const boxes = new Map<string, Box>();
  const boxOf = (key: string): Box => {
    const box = boxes.get(key) ?? { waiting: [], takers: [] };
    boxes.set(key, box);
    return box;
  };
  const peer = await startPeer((request, response, body) => {
    const { status, headers, body: text } = receiver.reply();
    response.writeHead(status, headers).end(text);
    const notice = { headers: request.headers as Record<string, string | undefined>, body };
    const box = boxOf(numberOf?.(notice) ?? request.url?.split("/").at(-1) ?? "");
    const taker = box.takers.shift();
    if (taker) taker(notice);
    else box.waiting.push(notice);
  });
  const receiver: NoticeReceiver = {
    url: `${peer.url}/notices`,
    next(key) {
      const box = boxOf(key);
      const notice = box.waiting.shift();
      return notice ? Promise.resolve(notice) : new Promise((resolve) => box.takers.push(resolve));
    },
    reply: () => ({ status: 200, headers: {}, body: "success" }),
    close: peer.close,
  };
  return receiver;
}

/** A server of the test's own on 127.0.0.1: `answer` gets each request with its whole body. */
export async function startPeer(
  answer: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => answer(request, response, Buffer.concat(chunks)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

const PAYER_USER_ID = "n8xBMa/IhTa3ZJ4fkU1BMbyFuQ2iYNeFadgzEEhOFe/jNwIBjM/rLR6U+nrM0jLk";

/** A payment of 88.01 yuan, to be changed at will; its notices come to `notify_base/serial_no`. */
export function makePayInput(method: Method, notify_base: string, changes: Partial<PayInput> = {}): PayInput {
  const created_at = systemClock.now();
  const serial_no = makeNumber();
  return {
    serial_no,
    method,
    amount: money(8_801n, "CNY"),
    subject: "一盒月饼 / mooncakes & tea = 🥮",
    notify_url: `${notify_base}/${serial_no}`,
    return_url: "https://shop.example/paid",
    expires_at: created_at + 900_000,
    created_at,
    payer: { ip: "203.0.113.7", openid: "o-payer", buyer_id: "2088102122458832", user_id: PAYER_USER_ID },
    ...changes,
  };
}

export function makeRefundInput(
  pay: PayInput,
  channel_trade_no: string,
  fen: bigint,
  changes: Partial<RefundInput> = {},
): RefundInput {
  return {
    attempt: { ...pay, channel_trade_no },
    refund_no: makeNumber(),
    amount: money(fen, pay.amount.currency),
    created_at: systemClock.now(),
    reason: "不想要了",
    notify_url: pay.notify_url,
    ...changes,
  };
}

/** A merchant at the channel and the account that reaches it. `merchant` names it to the control plane. */
export interface Provisioned {
  readonly account: ChannelAccount;
  readonly merchant: string;
  /** Whose keys are changed, where that is not the merchant (a service provider). */
  readonly key_holder?: string;
}

/** The same account with other settings; a new id, as nothing may be read from a cache. */
export function changeAccount(
  account: ChannelAccount,
  changes: { config?: Record<string, unknown>; secrets?: ChannelAccount["secrets"] },
): ChannelAccount {
  const config = { ...account.config, ...changes.config };
  return { ...account, id: makeUuid(), config, secrets: { ...account.secrets, ...changes.secrets } };
}

/** An RSA private key that no channel knows, in PEM. */
export function makeStrangeKey(): Secret {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return new Secret(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
}
