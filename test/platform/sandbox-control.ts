/** The sandbox of a test, in this process, and its control plane as functions. */
import { startSandbox } from "../../sandbox/main.ts";
import type { Clock } from "../../server/src/kit/clock.ts";

/** A JSON object without a promise about its fields: tests check what they name. */
// biome-ignore lint/suspicious/noExplicitAny: tests read whatever fields the wire has.
export type Json = any;

export type ChannelName = "wechat" | "alipay" | "unionpay" | "stripe" | "paypal";

export interface FaultOptions {
  times?: number;
  /** How long an exchange hangs or is late, in real milliseconds; a notice's in milliseconds of the sandbox's clock. */
  delay_ms?: number;
}

export interface SandboxControl {
  url: string;
  /** The payer pays whatever the code names: a QR, a prepay id, an address, or a number. Throws when it cannot be paid. */
  pay(code: string, options?: { outcome?: "success" | "fail"; payer?: string; notify?: boolean }): Promise<Json>;
  /** The code that the login in a mini program of WeChat gives. */
  logIn(appid: string): Promise<string>;
  /** The next matching call or notice meets the fault. */
  fault(channel: ChannelName, operation: string, fault: string, options?: FaultOptions): Promise<void>;
  clearFaults(): Promise<void>;
  /** A trade by our serial_no, with its refunds and notices. Throws when there is none. */
  trade(serial_no: string): Promise<Json>;
  /** Every try to deliver a notice of the trade. */
  notices(serial_no: string): Promise<Json[]>;
  /** Sends the trade's notices again, at once. Gives each try. */
  replay(serial_no: string, options?: { times?: number; mutate?: string }): Promise<Json[]>;
  endRefund(refund_no: string, outcome: "success" | "abnormal" | "closed"): Promise<Json>;
  /** Waits for the notices under way, and does what has become due by the shared clock. */
  settle(): Promise<void>;
  request(method: string, path: string, body?: object): Promise<Json>;
  close(): Promise<void>;
}

/** A fault that hangs drops the connection this soon, so that a test need not wait for our own time limit. */
const HANG_MS = 20;

/** Starts a sandbox on a free port, whose channels live by `clock`. */
export async function startControlledSandbox(clock: Clock): Promise<SandboxControl> {
  const running = await startSandbox({ port: 0, seed: 7, now: clock.now });
  const request = createRequest(running.url);
  const post = (path: string, body: object) => request("POST", path, body);
  return {
    url: running.url,
    request,
    logIn: async (appid) => (await post("/control/login_codes", { channel: "wechat", appid })).code,
    pay: (code, options) => post("/control/pay", { code, ...options }),
    async fault(channel, operation, fault, options) {
      const delay = fault.startsWith("timeout_") ? { delay_ms: HANG_MS } : {};
      await post("/control/faults", { channel, operation, fault, ...delay, ...options });
    },
    async clearFaults() {
      await request("DELETE", "/control/faults");
    },
    trade: (serial_no) => request("GET", `/control/trades/${serial_no}`),
    async notices(serial_no) {
      return (await request("GET", `/control/notices?trade=${serial_no}`)).data;
    },
    async replay(serial_no, options) {
      return (await post("/control/notices/replay", { trade: serial_no, ...options })).data;
    },
    endRefund: (refund, outcome) => post("/control/refunds", { refund, outcome }),
    async settle() {
      await post("/control/clock", { advance: 0 });
    },
    close: running.close,
  };
}

/** A function that calls the control plane of the sandbox at `url`; it throws with the sentence of a refusal. */
export function createRequest(url: string) {
  return async (method: string, path: string, body?: object): Promise<Json> => {
    const response = await fetch(`${url}${path}`, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    });
    const value: Json = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${value.error ?? value.message}`);
    return value;
  };
}
