/**
 * The only place that calls a channel. It turns an input into a wire request, sends it over kept-alive connections, and
 * turns what comes back into an outcome. Trouble of any kind (a time limit, a refused connection, an unreadable or
 * unverifiable answer, an echo that differs) is the outcome `unknown`, never an exception: the order may exist.
 */
import { Agent, type Dispatcher } from "undici";
import type { Clock } from "../kit/clock.ts";
import { InvariantError } from "../kit/error.ts";
import type { Logger } from "../kit/log.ts";
import type { Random } from "../kit/random.ts";
import type {
  AttemptReference,
  Channel,
  ChannelAccount,
  ChannelContext,
  ChannelFailure,
  CloseOutcome,
  IdentityOutcome,
  Operation,
  PayInput,
  PayOutcome,
  QueryOutcome,
  RefundInput,
  RefundOutcome,
  Unknown,
  WireRequest,
  WireResponse,
} from "./contract.ts";
import { checkIntegrity, checkRefundIntegrity, expectPayment } from "./integrity.ts";
import { RequestRefused, unknown } from "./refusal.ts";

const CONNECT_TIMEOUT_MS = 5_000;
const OPERATION_TIMEOUT_MS = 10_000;
const RESPONSE_BYTES_MAX = 1_048_576;
const CONNECTIONS_PER_ORIGIN = 128;

export interface ChannelCallerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** From the first byte sent to the last byte received; 10 s unless given. */
  readonly timeout_ms?: number;
}

/** Calls that never throw for a channel's trouble. An unsupported method or operation is the caller's fault and throws. */
export interface ChannelCaller {
  pay(channel: Channel, account: ChannelAccount, input: PayInput): Promise<PayOutcome>;
  query(channel: Channel, account: ChannelAccount, input: AttemptReference): Promise<QueryOutcome>;
  close(channel: Channel, account: ChannelAccount, input: AttemptReference): Promise<CloseOutcome>;
  cancel(channel: Channel, account: ChannelAccount, input: AttemptReference): Promise<CloseOutcome>;
  refund(channel: Channel, account: ChannelAccount, input: RefundInput): Promise<RefundOutcome>;
  queryRefund(channel: Channel, account: ChannelAccount, input: RefundInput): Promise<RefundOutcome>;
  identify(channel: Channel, account: ChannelAccount, code: string): Promise<IdentityOutcome>;
  /** Any further operation of a channel, such as fetching its certificates. `name` is for the log. */
  run<Input, Outcome>(
    name: string,
    account: ChannelAccount,
    operation: Operation<Input, Outcome>,
    input: Input,
  ): Promise<Outcome | Refused | Unknown>;
  /** Closes the connections after the calls under way. */
  end(): Promise<void>;
}

interface Refused {
  readonly kind: "failed";
  readonly failure: ChannelFailure;
}

/** A call under way, for the log: our number of the attempt or the refund, never the payer's data. */
interface Call {
  readonly operation: string;
  readonly number?: string;
}

export function createChannelCaller(options: ChannelCallerOptions): ChannelCaller {
  const { clock, random, log } = options;
  const wire = createWire(options.timeout_ms ?? OPERATION_TIMEOUT_MS);
  const contextOf = (account: ChannelAccount): ChannelContext => ({ account, clock, random });

  async function perform<Input, Outcome>(
    call: Call,
    account: ChannelAccount,
    operation: Operation<Input, Outcome>,
    input: Input,
  ): Promise<Outcome | Refused | Unknown> {
    const context = contextOf(account);
    let outcome: Outcome | Refused | Unknown;
    try {
      const request = await operation.toRequest(context, input);
      const answer = await wire.exchange(request);
      outcome = "kind" in answer ? answer : await readSafely(() => operation.fromResponse(context, input, answer));
    } catch (error) {
      outcome = outcomeOfUnsent(error);
    }
    logOutcome(log, call, outcome);
    return outcome;
  }

  return {
    async pay(channel, account, input) {
      const operation = channel.pay[input.method];
      if (!operation) throw new InvariantError(`${channel.id} does not offer ${input.method}`);
      const call = { operation: `${channel.id}.pay`, number: input.serial_no };
      if ("perform" in operation) {
        try {
          return await operation.perform(contextOf(account), input);
        } catch (error) {
          const outcome = outcomeOfUnsent(error);
          logOutcome(log, call, outcome);
          return outcome;
        }
      }
      return checkPayment(log, call, channel, account, input, await perform(call, account, operation, input));
    },
    async query(channel, account, input) {
      const call = { operation: `${channel.id}.query`, number: input.serial_no };
      return checkPayment(log, call, channel, account, input, await perform(call, account, channel.query, input));
    },
    close: (channel, account, input) =>
      perform(
        { operation: `${channel.id}.close`, number: input.serial_no },
        account,
        offered(channel.close, channel, "close"),
        input,
      ),
    cancel: (channel, account, input) =>
      perform(
        { operation: `${channel.id}.cancel`, number: input.serial_no },
        account,
        offered(channel.cancel, channel, "cancel"),
        input,
      ),
    async refund(channel, account, input) {
      const call = { operation: `${channel.id}.refund`, number: input.refund_no };
      return checkRefund(log, call, input, await perform(call, account, channel.refund, input));
    },
    async queryRefund(channel, account, input) {
      const call = { operation: `${channel.id}.refund_query`, number: input.refund_no };
      return checkRefund(log, call, input, await perform(call, account, channel.queryRefund, input));
    },
    identify: (channel, account, code) =>
      perform(
        { operation: `${channel.id}.identify` },
        account,
        offered(channel.identity?.exchange, channel, "identity"),
        { code },
      ),
    run: (name, account, operation, input) => perform({ operation: name }, account, operation, input),
    end: () => wire.end(),
  };
}

function offered<T>(operation: T | undefined, channel: Channel, name: string): T {
  if (!operation) throw new InvariantError(`${channel.id} does not offer ${name}`);
  return operation;
}

async function readSafely<Outcome>(read: () => Outcome | Promise<Outcome>): Promise<Outcome | Unknown> {
  try {
    return await read();
  } catch (error) {
    return unknown("unreadable", `the answer could not be read: ${messageOf(error)}`);
  }
}

/** Nothing was sent. An input that the channel can never take failed; an account that cannot sign tells nothing. */
function outcomeOfUnsent(error: unknown): Refused | Unknown {
  if (error instanceof RequestRefused) {
    return { kind: "failed", failure: { code: error.code, message: error.message } };
  }
  return unknown("not_sent", `the request could not be made: ${messageOf(error)}`);
}

function checkPayment<Outcome extends PayOutcome | QueryOutcome>(
  log: Logger,
  call: Call,
  channel: Channel,
  account: ChannelAccount,
  input: AttemptReference,
  outcome: Outcome,
): Outcome | Unknown {
  if (outcome.kind !== "succeeded") return outcome;
  return (
    refuseDifferences(log, call, checkIntegrity(expectPayment(channel, account, input), outcome.payment)) ?? outcome
  );
}

function checkRefund(log: Logger, call: Call, input: RefundInput, outcome: RefundOutcome): RefundOutcome {
  if (outcome.kind !== "succeeded") return outcome;
  const expected = { refund_no: input.refund_no, serial_no: input.attempt.serial_no, amount: input.amount };
  return refuseDifferences(log, call, checkRefundIntegrity(expected, outcome.refund)) ?? outcome;
}

function refuseDifferences(log: Logger, call: Call, differences: string[]): Unknown | undefined {
  if (differences.length === 0) return undefined;
  const outcome = unknown("integrity", differences.join("; "));
  logOutcome(log, call, outcome);
  return outcome;
}

function logOutcome(log: Logger, call: Call, outcome: unknown): void {
  const { kind, reason, detail } = outcome as { kind: string; reason?: string; detail?: string };
  if (kind !== "unknown") log.debug({ ...call, outcome: kind }, "channel called");
  else if (reason === "integrity") log.error({ ...call, reason, detail }, "channel echo differs from what was asked");
  else log.warn({ ...call, reason, detail }, "channel outcome unknown");
}

interface Wire {
  /** Sends a request and answers the response, or unknown. Redirects are not followed. */
  exchange(request: WireRequest): Promise<WireResponse | Unknown>;
  end(): Promise<void>;
}

function createWire(timeout_ms: number): Wire {
  const agent = new Agent({
    connections: CONNECTIONS_PER_ORIGIN,
    connect: { timeout: Math.min(CONNECT_TIMEOUT_MS, timeout_ms) },
    headersTimeout: timeout_ms,
    bodyTimeout: timeout_ms,
    maxResponseSize: RESPONSE_BYTES_MAX,
  });
  return {
    async exchange({ method, url, headers, body }) {
      const { origin, pathname, search } = new URL(url);
      // The agent's own limits are per phase; this one is for the whole exchange.
      const signal = AbortSignal.timeout(timeout_ms);
      try {
        const response = await agent.request({
          origin,
          path: pathname + search,
          method,
          headers: { ...headers },
          body: body ?? null,
          signal,
        });
        const bytes = Buffer.from(await response.body.arrayBuffer());
        return { status: response.statusCode, headers: flattenHeaders(response.headers), body: bytes };
      } catch (error) {
        return outcomeOfBrokenExchange(error);
      }
    },
    end: () => agent.close(),
  };
}

function flattenHeaders(headers: Dispatcher.ResponseData["headers"]): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
}

const timeoutCodes = new Set([
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_ABORTED",
]);

/** A connection refused before anything was sent is unknown too: with a proxy between, one cannot tell. */
function outcomeOfBrokenExchange(error: unknown): Unknown {
  const { code, name } = error as { code?: unknown; name?: unknown };
  const shown = `${typeof code === "string" ? code : String(name)}`;
  if (name === "TimeoutError" || name === "AbortError" || timeoutCodes.has(shown)) return unknown("timeout", shown);
  if (shown === "UND_ERR_RES_EXCEEDED_MAX_SIZE") return unknown("unreadable", "the answer is larger than 1 MB");
  if (name === "HTTPParserError") return unknown("unreadable", `the answer is not HTTP: ${shown}`);
  return unknown("connection", shown);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
