/** One HTTP request to a receiver, and what came of it. */
import { isIP } from "node:net";
import { Agent, buildConnector, errors, request } from "undici";
import {
  checkAddress,
  checkReceiverUrl,
  type ReceiverPolicy,
  ReceiverRefusedError,
  resolveReceiver,
  unbracket,
} from "./receiver-address.ts";

/** Limits of a sender. */
export interface SenderOptions extends ReceiverPolicy {
  /** Connections to one receiver at most. */
  connections_max: number;
  connect_timeout_ms: number;
  /** From the start of the request to the end of the answer, the connection included. */
  total_timeout_ms: number;
}

/** One signed message. */
export interface WebhookRequest {
  url: string;
  livemode: boolean;
  headers: Record<string, string>;
  body: string;
}

export type SendResult =
  | { kind: "answered"; status_code: number; retry_after: string | undefined }
  /** Nothing usable came back. `reason` is a sentence for the merchant; whether the receiver acted is not known. */
  | { kind: "failed"; reason: string };

/** Sends messages over connections of its own. */
export interface WebhookSender {
  /** Sends once. Never throws: every failure is a result. */
  send(request: WebhookRequest): Promise<SendResult>;
  /** Waits for what is under way and closes the connections. */
  close(): Promise<void>;
}

/** Nothing in an answer's body is of use; a short one is read so that the connection can be used again. */
const ANSWER_BYTES_MAX = 16 * 1024;

/** Opens a sender with connections of its own, kept alive between requests. Redirects are not followed. */
export function createWebhookSender(options: SenderOptions): WebhookSender {
  const agent = new Agent({
    connect: createCheckedConnector(options),
    connections: options.connections_max,
    pipelining: 1,
    keepAliveTimeout: 15_000,
    keepAliveMaxTimeout: 60_000,
    headersTimeout: options.total_timeout_ms,
    bodyTimeout: options.total_timeout_ms,
    maxHeaderSize: ANSWER_BYTES_MAX,
  });
  let closed: Promise<void> | undefined;
  return {
    send: (message) => sendOnce(agent, options, message),
    close() {
      closed ??= agent.close();
      return closed;
    },
  };
}

async function sendOnce(agent: Agent, options: SenderOptions, message: WebhookRequest): Promise<SendResult> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), options.total_timeout_ms);
  try {
    // Checked again: settings may have become stricter since the URL was given.
    const url = checkReceiverUrl(message.url, message.livemode, options);
    const { statusCode, headers, body } = await request(url, {
      method: "POST",
      headers: { ...message.headers, "content-type": "application/json", "user-agent": "Tributary-Webhook/1" },
      body: message.body,
      dispatcher: agent,
      signal: deadline.signal,
    });
    // The status line has said everything; an answer that breaks off or drags on after it changes nothing.
    await body.dump({ limit: ANSWER_BYTES_MAX, signal: deadline.signal }).catch(() => undefined);
    const retryAfter = headers["retry-after"];
    return {
      kind: "answered",
      status_code: statusCode,
      retry_after: typeof retryAfter === "string" ? retryAfter : undefined,
    };
  } catch (error) {
    return { kind: "failed", reason: deadline.signal.aborted ? timeoutSentence(options) : failureSentence(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** Connects only to addresses that passed the check, because the socket gets no others to choose from. */
function createCheckedConnector(options: SenderOptions): buildConnector.connector {
  const connect = buildConnector({
    timeout: options.connect_timeout_ms,
    autoSelectFamily: true,
    lookup: (hostname, { all }, callback) => {
      resolveReceiver(hostname, options).then(
        (addresses) => {
          const [first] = addresses;
          if (all) callback(null, addresses);
          else if (first) callback(null, first.address, first.family);
          else callback(new Error("the name has no address"), "", 0);
        },
        (error) => callback(error, "", 0),
      );
    },
  });
  return (target, callback) => {
    // A literal address is never looked up, so it is checked here.
    const hostname = unbracket(target.hostname);
    try {
      if (isIP(hostname)) checkAddress(hostname, options);
    } catch (error) {
      callback(error as Error, null);
      return;
    }
    connect(target, callback);
  };
}

const FAILURES: Record<string, string> = {
  ECONNREFUSED: "The receiver refused the connection.",
  ECONNRESET: "The receiver broke off the connection.",
  EHOSTUNREACH: "The receiver's address cannot be reached.",
  ENETUNREACH: "The receiver's address cannot be reached.",
  ENOTFOUND: "The receiver's name does not resolve.",
  EAI_AGAIN: "The receiver's name could not be resolved just now.",
  UND_ERR_SOCKET: "The receiver broke off the connection.",
  UND_ERR_CONNECT_TIMEOUT: "The receiver did not accept the connection in time.",
  ETIMEDOUT: "The receiver did not accept the connection in time.",
  UND_ERR_HEADERS_OVERFLOW: "The receiver's answer has too large headers.",
};

function failureSentence(error: unknown): string {
  if (error instanceof ReceiverRefusedError) return `The address is refused: ${error.message}.`;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (FAILURES[code]) return FAILURES[code];
  if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO/.test(code)) return `The receiver's TLS certificate is not valid (${code}).`;
  if (error instanceof errors.HTTPParserError) return "The receiver did not answer in HTTP.";
  return "The request to the receiver failed.";
}

function timeoutSentence(options: SenderOptions): string {
  return `The receiver did not answer within ${options.total_timeout_ms / 1000} s.`;
}
