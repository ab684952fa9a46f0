/**
 * Delivery of notices: the first try at once, further ones by the channel's schedule on the sandbox's clock, the
 * merchant's reply judged as the channel judges it, and every try kept for a test to look at.
 */
import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, request } from "undici";
import type { SandboxClock } from "./clock.ts";
import type { Channel, Fault, FaultBook, FaultName } from "./faults.ts";

/** A notice as a trade keeps it; it is composed anew, from the trade, for each try. */
export type Notice = {
  id: string;
  event: string;
  refund_no?: string;
  /** Facts as of the event, which later events must not change. */
  facts: Record<string, string>;
  created_at_ms: number;
  attempts: number;
  /** pending: still to be accepted. exhausted: the schedule has ended. withheld: asked not to be sent. */
  status: "pending" | "delivered" | "exhausted" | "withheld";
  next_at_ms?: number;
};

/** One HTTP message to the merchant. */
export type Message = { url: string; headers: Record<string, string>; body: string };

/** A notice together with what is needed to deliver it. `trade` is the merchant's number. */
export type Parcel = {
  channel: Channel;
  merchant: string;
  trade: string;
  notice: Notice;
  /** Seconds between one try and the next. */
  schedule_s: readonly number[];
  reply_limit_ms: number;
  compose(mutation: FaultName | undefined): Promise<Message>;
  accepts(status: number, body: string): boolean;
};

/** One try, as `GET /control/notices` shows it. */
export type Delivery = {
  notice_id: string;
  channel: Channel;
  merchant: string;
  trade: string;
  event: string;
  attempt: number;
  at: string;
  url: string;
  fault?: FaultName;
  status?: number;
  reply?: string;
  error?: string;
  accepted: boolean;
};

/** The post office. */
export type Deliveries = {
  /** Tries now, and again by the schedule until the merchant accepts. */
  send(parcel: Parcel): void;
  /** Tries once, outside the schedule, and answers what came of it. */
  replay(parcel: Parcel, mutation: FaultName | undefined): Promise<Delivery>;
  /** Goes on with a notice that was pending when the sandbox stopped. */
  resume(parcel: Parcel): void;
  /** Every try so far, the newest last; older ones than the last 2,000 are dropped. */
  list(): readonly Delivery[];
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
  /** Breaks off what is under way and forgets everything; nothing arrives any more once it has resolved. */
  clear(): Promise<void>;
  close(): Promise<void>;
};

const log_length_max = 2000;
const late_ms_default = 5000;
const reordered_ms_default = 10_000;

type Office = {
  clock: SandboxClock;
  faults: FaultBook;
  changed: () => void;
  agent: Agent;
  closing: AbortController;
  log: Delivery[];
  under_way: Set<Promise<unknown>>;
  /** Notices held back until a later one of the same merchant has arrived. */
  held: Map<string, (() => Promise<void>)[]>;
};

/** Builds the post office. `changed` is called when a notice's state has moved and should be kept. */
export function createDeliveries(clock: SandboxClock, faults: FaultBook, changed: () => void): Deliveries {
  const office: Office = {
    clock,
    faults,
    changed,
    agent: new Agent({ connections: 64, pipelining: 1, keepAliveTimeout: 30_000, connect: { timeout: 5000 } }),
    closing: createSwitch(),
    log: [],
    under_way: new Set(),
    held: new Map(),
  };
  return {
    send: (parcel) => void track(office, tryParcel(office, parcel, true)),
    replay: (parcel, mutation) => track(office, transmit(office, parcel, mutation)),
    resume(parcel) {
      const due_ms = parcel.notice.next_at_ms ?? clock.now();
      clock.schedule(due_ms, () => track(office, tryParcel(office, parcel, true)));
    },
    list: () => office.log,
    idle: () => settleAll(office),
    async clear() {
      office.closing.abort();
      await settleAll(office);
      office.closing = createSwitch();
      office.log.length = 0;
      office.held.clear();
    },
    async close() {
      office.closing.abort();
      await office.agent.close();
    },
  };
}

/** A signal to which every message under way listens. */
function createSwitch(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** Waits for what is about to start, too: a refund ends one turn of the loop later, and its notice leaves at the next. */
async function settleAll(office: Office): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  while (office.under_way.size > 0) await Promise.allSettled(office.under_way);
}

function track<T>(office: Office, work: Promise<T>): Promise<T> {
  office.under_way.add(work);
  void work.catch(() => undefined).then(() => office.under_way.delete(work));
  return work;
}

/** One scheduled try; `faulty` lets a waiting fault happen to it. */
async function tryParcel(office: Office, parcel: Parcel, faulty: boolean): Promise<void> {
  if (parcel.notice.status !== "pending") return;
  const fault = faulty ? office.faults.take(parcel.channel, "notice", parcel.merchant) : undefined;
  if (fault?.fault === "notice_late" || fault?.fault === "notice_reordered") return hold(office, parcel, fault);
  if (fault?.fault === "notice_lost") {
    parcel.notice.attempts += 1;
    record(office, parcel, { url: "", fault: "notice_lost", error: "lost on the way", accepted: false });
    return settle(office, parcel, false);
  }
  if (fault?.fault === "notice_signtest") await transmit(office, parcel, "notice_signtest");
  const plain = fault === undefined || fault.fault === "notice_signtest";
  const copies = fault?.fault === "notice_duplicate" ? 2 : 1;
  const sent = await Promise.all(
    Array.from({ length: copies }, () => transmit(office, parcel, plain ? undefined : fault.fault)),
  );
  settle(
    office,
    parcel,
    sent.some((delivery) => delivery.accepted),
  );
}

/** Keeps a notice back: for a time, or (reordered) until another notice of the merchant has arrived. */
function hold(office: Office, parcel: Parcel, fault: Fault): void {
  let released = false;
  const release = async () => {
    if (released) return;
    released = true;
    await track(office, tryParcel(office, parcel, false));
  };
  const late = fault.fault === "notice_late";
  const wait_ms = fault.delay_ms ?? (late ? late_ms_default : reordered_ms_default);
  office.clock.schedule(office.clock.now() + wait_ms, release);
  if (!late) office.held.set(parcel.merchant, [...(office.held.get(parcel.merchant) ?? []), release]);
}

function releaseHeld(office: Office, merchant: string): void {
  const waiting = office.held.get(merchant);
  if (waiting === undefined) return;
  office.held.delete(merchant);
  for (const release of waiting) void release();
}

/** Notes the outcome of a try, and plans the next one. */
function settle(office: Office, parcel: Parcel, accepted: boolean): void {
  const { notice } = parcel;
  const wait_s = parcel.schedule_s[notice.attempts - 1];
  delete notice.next_at_ms;
  if (accepted) {
    notice.status = "delivered";
  } else if (wait_s === undefined) {
    notice.status = "exhausted";
  } else {
    notice.next_at_ms = office.clock.now() + wait_s * 1000;
    office.clock.schedule(notice.next_at_ms, () => track(office, tryParcel(office, parcel, true)));
  }
  office.changed();
  releaseHeld(office, parcel.merchant);
}

/** Sends one message and judges the reply. A duplicate counts as the same attempt. */
async function transmit(office: Office, parcel: Parcel, mutation: FaultName | undefined): Promise<Delivery> {
  if (mutation !== "notice_signtest") parcel.notice.attempts += 1;
  const message = await parcel.compose(mutation);
  const outcome: Partial<Delivery> = mutation === undefined ? {} : { fault: mutation };
  try {
    const response = await request(message.url, {
      method: "POST",
      headers: message.headers,
      body: message.body,
      dispatcher: office.agent,
      signal: office.closing.signal,
      headersTimeout: parcel.reply_limit_ms,
      bodyTimeout: parcel.reply_limit_ms,
    });
    const reply = await response.body.text();
    outcome.status = response.statusCode;
    outcome.reply = reply.slice(0, 500);
    outcome.accepted = mutation !== "notice_signtest" && parcel.accepts(response.statusCode, reply);
  } catch (error) {
    outcome.error = error instanceof Error ? error.message : String(error);
  }
  return record(office, parcel, { url: message.url, accepted: false, ...outcome });
}

function record(
  office: Office,
  parcel: Parcel,
  outcome: Partial<Delivery> & { url: string; accepted: boolean },
): Delivery {
  const delivery: Delivery = {
    notice_id: parcel.notice.id,
    channel: parcel.channel,
    merchant: parcel.merchant,
    trade: parcel.trade,
    event: parcel.notice.event,
    attempt: parcel.notice.attempts,
    at: new Date(office.clock.now()).toISOString(),
    ...outcome,
  };
  office.log.push(delivery);
  if (office.log.length > log_length_max) office.log.splice(0, log_length_max / 2);
  return delivery;
}

/** Waits in real time; used where an exchange hangs. */
export function waitReal(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}

/** A form as a proxy writes it anew: the same fields in another order, their bytes spelled otherwise. */
export function rewriteForm(fields: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(fields).reverse();
  return pairs.map((pair) => pair.map((text) => encodeURIComponent(text)).join("=")).join("&");
}
