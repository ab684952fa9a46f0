import { createServer } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ChannelAccount, ChannelOperation, Conversation, Unknown, WireResponse } from "../contract.ts";
import { context, makeRefundInput, startPeer } from "./harness.ts";
import { type ConformanceSubject, makeOrder, payBy, payInFull, startPayment, type World } from "./subject.ts";

/** A peer that is not the channel, or a channel that has changed its keys. */
export function describeHostility(subject: ConformanceSubject, world: () => World): void {
  describe("hostility", () => {
    describePeers(subject, world);
    describeEndlessPeers(subject, world);
    describeAnyAnswer(subject, world);
    describeRotation(subject, world);
    describeLog(subject, world);
  });
}

function describePeers(subject: ConformanceSubject, world: () => World): void {
  const { channel } = subject;
  const payAt = (url: string) => {
    const { caller, account, receiver } = world();
    return caller.pay(channel, subject.relocate(account, url), makeOrder(subject, receiver.url));
  };

  it.each([500, 502, 503, 504, 429])("does not know after a bare status %i", async (status) => {
    const peer = await startPeer((_request, response) => response.writeHead(status).end("<h1>no</h1>"));
    const reason = status === 429 ? "rate_limited" : "http_status";
    expect(await payAt(peer.url)).toMatchObject({ kind: "unknown", reason });
    await peer.close();
  });

  it("does not know when nobody listens", async () => {
    const peer = await startPeer(() => undefined);
    await peer.close();
    expect(await payAt(peer.url)).toMatchObject({ kind: "unknown", reason: "connection" });
  });

  it("does not follow a redirect", async () => {
    let followed = false;
    const target = await startPeer((_request, response) => {
      followed = true;
      response.end();
    });
    const peer = await startPeer((_request, response) => response.writeHead(307, { location: target.url }).end());
    expect(await payAt(peer.url)).toMatchObject({ kind: "unknown", reason: "http_status" });
    expect(followed).toBe(false);
    await peer.close();
    await target.close();
  });

  it("does not know when the peer speaks no HTTP, or hangs up", async () => {
    const greetings = [
      ["220 smtp ready\r\n", "unreadable"],
      ["", "connection"],
    ] as const;
    for (const [greeting, reason] of greetings) {
      const server = createServer((socket) =>
        socket
          .resume()
          .on("error", () => undefined)
          .end(greeting),
      );
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as { port: number };
      expect(await payAt(`http://127.0.0.1:${port}`)).toMatchObject({ kind: "unknown", reason });
      await new Promise((resolve) => server.close(resolve));
    }
  });
}

function describeEndlessPeers(subject: ConformanceSubject, world: () => World): void {
  const { channel } = subject;
  const payAt = (url: string, patience: "caller" | "impatient") => {
    const { account, receiver } = world();
    return world()[patience].pay(channel, subject.relocate(account, url), makeOrder(subject, receiver.url));
  };

  it("stops reading an answer of 100 MB", async () => {
    let sent = 0;
    const chunk = Buffer.alloc(1_048_576, 0x20);
    const peer = await startPeer((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const write = () => {
        while (sent < 100 && !response.destroyed) {
          sent += 1;
          if (!response.write(chunk)) return void response.once("drain", write);
        }
        response.end();
      };
      write();
    });
    expect(await payAt(peer.url, "caller")).toMatchObject({ kind: "unknown", reason: "unreadable" });
    expect(sent).toBeLessThan(100);
    await peer.close();
  });

  it("stops waiting for an answer that drips", async () => {
    const peer = await startPeer((_request, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write(" "), 50);
      response.on("close", () => clearInterval(drip));
    });
    expect(await payAt(peer.url, "impatient")).toMatchObject({ kind: "unknown", reason: "timeout" });
    await peer.close();
  });
}

function describeAnyAnswer(subject: ConformanceSubject, world: () => World): void {
  const { channel, method } = subject;

  /** Every operation, given one answer. */
  async function readEverywhere(account: ChannelAccount, status: number, text: string): Promise<{ kind: string }[]> {
    const pay = makeOrder(subject, "https://shop.example/n", { channel_order_no: "ORDER" });
    const refund = makeRefundInput(pay, "4200", 1n);
    const response = { status, headers: {}, body: Buffer.from(text) };
    const read = <Input, Outcome extends { kind: string } | Unknown>(
      operation: ChannelOperation<Input, Outcome> | undefined,
      input: Input,
    ) =>
      operation &&
      ("converse" in operation
        ? world().caller.run("reads", account, sureOf(operation, response), input)
        : Promise.resolve(operation.fromResponse(context(account), input, response)));
    const started = channel.pay[method];
    const outcomes = await Promise.all([
      started && !("perform" in started) ? read(started, pay) : undefined,
      read(channel.query, pay),
      read(channel.close, pay),
      read(channel.cancel, pay),
      read(channel.refund, refund),
      read(channel.queryRefund, refund),
    ]);
    return outcomes.filter((outcome) => outcome !== undefined);
  }

  it("believes no unsigned answer with a good status, whatever it says, and never throws", async () => {
    const { account } = world();
    const claim = fc.record({
      trade_state: fc.constantFrom("SUCCESS", "CLOSED", "NOTPAY"),
      status: fc.constantFrom("SUCCESS", "CLOSED", "PROCESSING"),
      code_url: fc.constant("weixin://x"),
      alipay_trade_query_response: fc.constant({ code: "10000", trade_status: "TRADE_SUCCESS" }),
      alipay_trade_precreate_response: fc.constant({ code: "10000", qr_code: "https://qr.alipay.com/x" }),
    });
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.constant("respCode=00&origRespCode=00&signMethod=01&qrCode=https://qr.95516.com/x"),
      claim.map((value) => JSON.stringify(value)),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(200, 201, 202, 204), text, async (status, body) => {
        const kinds = (await readEverywhere(account, status, body)).map(({ kind }) => kind);
        expect(new Set(kinds)).toEqual(new Set(["unknown"]));
      }),
      { numRuns: 200 },
    );
  });

  it("reads nothing certain out of trouble, and never throws", async () => {
    const { account } = world();
    const status = fc.oneof(fc.integer({ min: 500, max: 599 }), fc.constantFrom(301, 302, 307, 408, 418, 429));
    await fc.assert(
      fc.asyncProperty(status, fc.oneof(fc.string(), fc.json()), async (code, body) => {
        const kinds = (await readEverywhere(account, code, body)).map(({ kind }) => kind);
        expect(new Set(kinds)).toEqual(new Set(["unknown"]));
      }),
      { numRuns: 200 },
    );
  });
}

/** A conversation in which every exchange has the same answer. */
function sureOf<Input, Outcome>(
  operation: Conversation<Input, Outcome>,
  response: WireResponse,
): Conversation<Input, Outcome> {
  return { converse: (context, input) => operation.converse(context, input, () => Promise.resolve(response)) };
}

function describeRotation(subject: ConformanceSubject, world: () => World): void {
  const { channel } = subject;

  it("trusts a new key of the channel when the account has it, and only then", async () => {
    const { account, merchant, key_holder = merchant } = await subject.provision(world().control, world().receiver);
    const own: World = { ...world(), account, merchant };
    const { caller, control, receiver } = own;
    const { input } = await payInFull(own, subject);
    const late = await startPayment(own, subject);
    const rotated = await control.post("keys/rotate", { channel: channel.id, merchant: key_holder });
    const renewed = { ...subject.renew(account, rotated), id: account.id, version: account.version + 1 };
    expect(await caller.query(channel, account, input)).toMatchObject({
      kind: "unknown",
      reason: subject.facts.rotated ?? "bad_signature",
    });
    expect(await caller.query(channel, renewed, input)).toMatchObject({ kind: "succeeded" });
    await payBy({ ...own, account: renewed }, subject, late);
    const notice = await receiver.next(late.input.serial_no);
    expect((await caller.readNotice(channel, account, notice)).kind).toBe(
      subject.facts.certificateTravels ? "payment_succeeded" : "rejected",
    );
    expect((await caller.readNotice(channel, renewed, notice)).kind).toBe("payment_succeeded");
  });

  it("still reads what was told under the keys before, by an account that remembers them", async () => {
    const { account, merchant, key_holder = merchant } = await subject.provision(world().control, world().receiver);
    const own: World = { ...world(), account, merchant };
    const { caller, control, receiver } = own;
    const started = await startPayment(own, subject);
    await payBy(own, subject, started);
    const told = await receiver.next(started.input.serial_no);
    const rotated = await control.post("keys/rotate", { channel: channel.id, merchant: key_holder });
    const renewed = { ...subject.renew(account, rotated), id: account.id, version: account.version + 1 };
    const remembering = { ...renewed, previous: [account] };
    expect((await caller.readNotice(channel, remembering, told)).kind).toBe("payment_succeeded");
    expect(await caller.query(channel, remembering, started.input)).toMatchObject({ kind: "succeeded" });
  });
}

function describeLog(subject: ConformanceSubject, world: () => World): void {
  const { channel } = subject;

  it("writes neither keys nor payers into the log", async () => {
    const { caller, account, lines } = world();
    const { input } = await payInFull(world(), subject);
    const outcome = await caller.query(channel, account, input);
    if (outcome.kind !== "succeeded") throw new Error("the payment was expected to have succeeded");
    const written = lines.join("");
    expect(written).toContain(input.serial_no);
    expect(written).not.toContain(outcome.payment.payer);
    for (const secret of Object.values(account.secrets)) expect(written).not.toContain(secret.reveal());
  });
}
