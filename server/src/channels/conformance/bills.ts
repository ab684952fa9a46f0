import type { ServerResponse } from "node:http";
import { Readable, Writable } from "node:stream";
import { afterAll, describe, expect, it } from "vitest";
import { systemClock } from "../../kit/clock.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { type BillFile, readBill } from "../bill-reader.ts";
import type { BillFetch } from "../bills.ts";
import { type ChannelCaller, createChannelCaller } from "../call.ts";
import type { BillBatch, BillKind, BillLine, ChannelAccount } from "../contract.ts";
import { makeRefundInput, startPeer } from "./harness.ts";
import { ask, type ConformanceSubject, payInFull, startPayment, troublesOf, type World } from "./subject.ts";

const HOUR_MS = 3_600_000;

/** What the suite must know of a channel's bills. */
export interface BillFacts {
  /** The business day of a moment, `YYYY-MM-DD`. */
  dayOf(at_ms: number): string;
  /** The bill comes within the answer: no address of it can lead elsewhere. */
  readonly withinAnswer?: true;
  /** The channel is asked by time, and knows no bill: today's is read by a caller whose clock is so far ahead. */
  readonly ahead_ms?: number;
  /** A refund's line names the payment by the channel's number only. */
  readonly refundWithoutOrder?: true;
  /** What the simulator can do to its file, and what comes of it: a refusal of the file, or an outcome of fetching it. */
  readonly spoilt?: readonly (readonly [discrepancy: object, result: RegExp])[];
}

interface Fetched {
  readonly outcome: BillFetch;
  /** Numbers are ASCII in every character set of a bill. */
  readonly text: string;
  readonly files: readonly { readonly name: string | undefined; readonly bytes: Buffer }[];
}

/** Where a test asks for bills of today. */
interface Desk {
  today(): string;
  /** Publishes today's bill at once, bent as is asked. */
  publish(discrepancies?: object[]): Promise<unknown>;
  fetchBill(date: string, account?: ChannelAccount, caller?: ChannelCaller, kind?: BillKind): Promise<Fetched>;
}

/** Bills: on their day and before it, with what is wrong in them, and every trouble on the way. */
export function describeBills(subject: ConformanceSubject, world: () => World, facts: BillFacts): void {
  const { channel } = subject;
  const today = () => facts.dayOf(systemClock.now());
  const { ahead_ms = 0 } = facts;
  const later = createChannelCaller({
    clock: { now: () => systemClock.now() + ahead_ms },
    random: systemRandom,
    log: createLogger("silent"),
  });
  afterAll(() => later.end());
  const desk: Desk = {
    today,
    publish: (discrepancies = []) =>
      world().control.post("bills", { channel: channel.id, merchant: world().merchant, date: today(), discrepancies }),
    async fetchBill(date, account = world().account, caller = later, kind = "trade") {
      const files: { name: string | undefined; bytes: Buffer }[] = [];
      const open = (name?: string) => {
        const chunks: Buffer[] = [];
        return new Writable({
          write: (chunk, _encoding, done) => done(void chunks.push(chunk)),
          final: (done) => done(void files.push({ name, bytes: Buffer.concat(chunks) })),
        });
      };
      const outcome = await caller.downloadBill(channel, account, { kind, date }, { open });
      return { outcome, files, text: files.map(({ bytes }) => bytes.toString("latin1")).join("") };
    },
  };
  describe("bills", () => {
    describeContents(subject, world, desk, facts);
    if (channel.bills?.kinds.includes("fund_flow")) describeFundFlow(subject, world, desk);
    describeSpoilt(subject, world, desk, facts);
    describeTroubles(subject, world, desk, facts);
    if (channel.bills?.page) describeStrangers(subject, world, desk);
  });
}

/** A fetched bill, read by the channel's format. */
async function readFetched(
  { channel }: ConformanceSubject,
  account: ChannelAccount,
  date: string,
  fetched: Fetched,
  kind: BillKind = "trade",
) {
  const files = fetched.files.map(
    ({ name, bytes }): BillFile => ({ name, chunks: Readable.from(bytes.length === 0 ? [] : [bytes]) }),
  );
  const merchant = channel.identify(account, Object.keys(channel.pay)[0] as keyof typeof channel.pay).merchant;
  const reading = readBill(channel.bills!.formats![kind]!, { date, merchant }, files);
  const batches: BillBatch[] = [];
  for await (const batch of reading.batches) batches.push(batch);
  const lines = batches.flatMap((batch) => batch.lines);
  return { lines, rejected: batches.flatMap(({ rejected }) => rejected), totals: reading.totals() };
}

function describeContents(subject: ConformanceSubject, world: () => World, desk: Desk, facts: BillFacts): void {
  const { channel } = subject;

  it("are not there for a day that is not over, which is no empty day", async () => {
    const { account, caller } = world();
    const { outcome } = await desk.fetchBill(desk.today(), account, caller);
    expect(["not_ready", "failed"]).toContain(outcome.kind);
  });

  it("hold the day's payments and refunds, and nothing that was not paid", async () => {
    const { caller, account } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    const refund = makeRefundInput(input, channel_trade_no, 500n);
    await caller.refund(channel, account, refund);
    const { input: unpaid } = await startPayment(world(), subject);
    await desk.publish();
    const { outcome, text } = await desk.fetchBill(desk.today());
    expect(outcome.kind).toBe("fetched");
    for (const number of [input.serial_no, channel_trade_no, refund.refund_no]) expect(text).toContain(number);
    expect(text).not.toContain(unpaid.serial_no);
  });

  it("are read line by line, each payment and refund by its numbers, amount and time", async () => {
    const { caller, account } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    const refund = makeRefundInput(input, channel_trade_no, 500n);
    await caller.refund(channel, account, refund);
    await desk.publish();
    const fetched = await desk.fetchBill(desk.today());
    const { lines, rejected, totals } = await readFetched(subject, account, desk.today(), fetched);
    expect(rejected).toEqual([]);
    expect(totals).toMatchObject({ lines: lines.length, rejected: 0 });
    const { currency, amount } = input.amount;
    const find = (our_no: string) => lines.filter((line): line is BillLine => line.our_no === our_no);
    expect(find(input.serial_no)).toMatchObject([
      { entry: "payment", channel_trade_no, amount, currency, status: "succeeded", original_our_no: null },
    ]);
    const original_our_no = facts.refundWithoutOrder ? null : input.serial_no;
    expect(find(refund.refund_no)).toMatchObject([
      { entry: "refund", original_our_no, channel_trade_no, amount: -500n, currency },
    ]);
    const [paid, back] = [find(input.serial_no)[0]!, find(refund.refund_no)[0]!];
    expect(paid.fee).toBeGreaterThan(0n);
    for (const { occurred_at } of [paid, back]) {
      expect(Math.abs(occurred_at - systemClock.now())).toBeLessThan(HOUR_MS);
    }
  });

  it("are given as the channel gives them, with what is wrong in them", async () => {
    const [lost, kept] = [await payInFull(world(), subject), await payInFull(world(), subject)];
    const extra = `${kept.input.serial_no.slice(0, 20)}NEVER1`;
    await desk.publish([
      { kind: "missing", number: lost.input.serial_no },
      { kind: "extra", number: extra, amount: 700 },
    ]);
    const { text } = await desk.fetchBill(desk.today());
    expect(text).not.toContain(lost.input.serial_no);
    for (const number of [kept.input.serial_no, extra]) expect(text).toContain(number);
  });

  it("are no bill of a day on which nothing happened", async () => {
    const long_ago = facts.dayOf(systemClock.now() - 20 * 86_400_000);
    expect((await desk.fetchBill(long_ago)).outcome).toEqual({ kind: "empty" });
  });
}

/** Every movement of the money: what was paid, what was given back, and the fee, within the line or as one of its own. */
function describeFundFlow(subject: ConformanceSubject, world: () => World, desk: Desk): void {
  const { channel } = subject;
  it("of the money's movements are read line by line, each with its sign, and balances that follow", async () => {
    const { caller, account } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    await caller.refund(channel, account, makeRefundInput(input, channel_trade_no, 500n));
    await desk.publish();
    const fetched = await desk.fetchBill(desk.today(), account, undefined, "fund_flow");
    // A provider is shown no money of its sub-merchant.
    if (fetched.outcome.kind === "failed") return expect(fetched.outcome.failure.code).toBe("BILL_KIND_UNSUPPORTED");
    const { lines, rejected } = await readFetched(subject, account, desk.today(), fetched, "fund_flow");
    expect(rejected).toEqual([]);
    const { amount, currency } = input.amount;
    const about = lines.filter(({ our_no }) => our_no === input.serial_no);
    expect(about.find(({ entry }) => entry === "payment")).toMatchObject({ amount, currency, channel_trade_no });
    const fees = about.map(({ entry, fee, amount: moved }) => (entry === "fee" ? -moved : fee));
    expect(fees.reduce((sum, fee) => sum + fee, 0n)).toBeGreaterThan(0n);
    for (const [index, line] of lines.entries()) {
      const before = lines[index - 1]?.balance_after ?? null;
      if (before !== null && line.balance_after !== null)
        expect(line.balance_after - before).toBe(line.amount - line.fee);
    }
  });
}

/** What the channel itself publishes damaged. */
function describeSpoilt(subject: ConformanceSubject, world: () => World, desk: Desk, facts: BillFacts): void {
  const { channel } = subject;
  const spoilt = (facts.spoilt ?? []).map(([discrepancy, result]) => ({ discrepancy, result }));
  it.each(spoilt)("are refused as a whole when they are published with %o", async ({ discrepancy, result }) => {
    for (let count = 0; count < 3; count += 1) await payInFull(world(), subject);
    const publish = (discrepancies: object[]) =>
      world().control.post("bills", { channel: channel.id, date: desk.today(), discrepancies, replace: true });
    await publish([discrepancy]);
    const { account } = world();
    const fetched = await desk.fetchBill(desk.today());
    const { kind } = fetched.outcome;
    const refuse = ({ name, code }: { name: string; code: string }) => `${name} ${code}`;
    const read = () => readFetched(subject, account, desk.today(), fetched).catch(refuse);
    expect(kind === "fetched" ? await read() : JSON.stringify(fetched.outcome)).toMatch(result);
    await publish([]);
    const whole = await desk.fetchBill(desk.today());
    expect((await readFetched(subject, account, desk.today(), whole)).rejected).toEqual([]);
  });
}

function describeTroubles(subject: ConformanceSubject, world: () => World, desk: Desk, facts: BillFacts): void {
  it.each(Object.entries(troublesOf(subject.facts)))("are not known after %s (%s)", async (fault, reason) => {
    await payInFull(world(), subject);
    await desk.publish();
    await ask(world(), subject, "bill", fault);
    const { outcome, text } = await desk.fetchBill(desk.today());
    expect(outcome).toMatchObject({ kind: "unknown", reason });
    expect(text).toBe("");
  });

  const ofFile: readonly [string, RegExp][] = [
    ["http_500", /^http_status$/],
    ["html", /^unreadable$/],
    ["gbk", /^unreadable$/],
    ["empty", /^unreadable$/],
    ["huge", /^unreadable$/],
    ["cut", /^connection$/],
    ["file_redirected", /^http_status$/],
    ["file_tampered", /^(unreadable|integrity)$/],
  ];
  it.each(facts.withinAnswer ? [] : ofFile)("are not known when their file meets %s", async (fault, reason) => {
    await payInFull(world(), subject);
    await desk.publish();
    await ask(world(), subject, "bill_file", fault);
    const { outcome, text } = await desk.fetchBill(desk.today());
    expect(outcome).toMatchObject({ kind: "unknown", reason: expect.stringMatching(reason) });
    expect(text).toBe("");
    expect((await desk.fetchBill(desk.today())).outcome.kind).toBe("fetched");
  });

  it.skipIf(facts.withinAnswer)("are not fetched from an address that is not the account's channel", async () => {
    const { control, account } = world();
    await desk.publish();
    const peer = await startForwarder(control.url);
    const { outcome, text } = await desk.fetchBill(desk.today(), subject.relocate(account, peer.url));
    expect(outcome).toMatchObject({ kind: "unknown", reason: "integrity" });
    expect(text).toBe("");
    await peer.close();
  });
}

const strangers: readonly [string, (response: ServerResponse) => void][] = [
  ["redirects", (response) => response.writeHead(307, { location: "http://127.0.0.1:9/" }).end()],
  ["answers a page", (response) => response.writeHead(200, { "content-type": "text/html" }).end("<html></html>")],
  ["answers another JSON", (response) => response.writeHead(200).end('{"object":"list","data":{}}')],
  ["hangs up", (response) => response.destroy()],
];

/** A channel that gives pages: no peer can give them an end, or an emptiness, that the channel did not. */
function describeStrangers(subject: ConformanceSubject, world: () => World, desk: Desk): void {
  it.each(strangers)("are not known from a peer that %s", async (_, answer) => {
    const peer = await startPeer((_request, response) => answer(response));
    const { outcome, text } = await desk.fetchBill(desk.today(), subject.relocate(world().account, peer.url));
    expect([outcome.kind, text]).toEqual(["unknown", ""]);
    await peer.close();
  });
}

/** The channel reached through another host, while it still names its own in a bill's address. */
function startForwarder(url: string): ReturnType<typeof startPeer> {
  return startPeer(async (request, response, body) => {
    const { host: _, ...headers } = request.headers as Record<string, string>;
    const sent = request.method === "GET" ? {} : { body: new Uint8Array(body) };
    const answer = await fetch(url + request.url, { method: request.method!, headers, ...sent });
    const answered = Object.fromEntries(
      [...answer.headers].filter(([name]) => /^(wechatpay-|content-type)/.test(name)),
    );
    response.writeHead(answer.status, answered).end(Buffer.from(await answer.arrayBuffer()));
  });
}
