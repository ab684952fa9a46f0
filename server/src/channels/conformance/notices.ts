import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { ChannelPayment, NoticeResult, PayInput, WireNotice } from "../contract.ts";
import { checkIntegrity, expectPayment } from "../integrity.ts";
import { makeRefundInput, type Provisioned } from "./harness.ts";
import { ask, type ConformanceSubject, payBy, startPayment, type World } from "./subject.ts";

/** Notices: read once, read again, spoilt, untrue, of somebody else. */
export function describeNotices(subject: ConformanceSubject, world: () => World): void {
  describe("notices", () => {
    describeTruth(subject, world);
    describeBadLuck(subject, world);
    describeSpoilt(subject, world);
    describeGarbage(subject, world);
  });
}

function paymentOf(result: NoticeResult): ChannelPayment {
  if (result.kind !== "payment_succeeded") throw new Error(`a payment was expected, not ${result.kind}`);
  return result.payment;
}

function describeTruth(subject: ConformanceSubject, world: () => World): void {
  const { channel, facts } = subject;

  it("states the payment exactly as the query does, as often as it comes", async () => {
    const { account, control, receiver, caller } = world();
    const { input, code } = await startPayment(world(), subject);
    await payBy(world(), subject, { input, code });
    await control.post("notices/replay", { trade: input.serial_no, times: 3 });
    const queried = await caller.query(channel, account, input);
    for (let count = 0; count < 4; count += 1) {
      const payment = paymentOf(await caller.readNotice(channel, account, await receiver.next(input.serial_no)));
      expect(checkIntegrity(expectPayment(channel, account, input), payment)).toEqual([]);
      const known = Object.entries(payment).filter(
        ([name, value]) => name !== "merchant" && name !== "app" && value !== undefined,
      );
      expect(queried).toMatchObject({ kind: "succeeded", payment: Object.fromEntries(known) });
    }
  });

  it("is acknowledged in the channel's own way, and sent again when it is not", async () => {
    const { control, receiver } = world();
    const { input, code } = await startPayment(world(), subject);
    const { reply } = receiver;
    receiver.reply = () => channel.replyToNotice(false);
    await payBy(world(), subject, { input, code });
    await receiver.next(input.serial_no);
    receiver.reply = () => channel.replyToNotice(true);
    await control.post("notices/replay", { trade: input.serial_no });
    await receiver.next(input.serial_no);
    receiver.reply = reply;
    const { data } = (await control.get(`notices?trade=${input.serial_no}`)) as { data: { accepted: boolean }[] };
    const accepted = data.map((delivery) => delivery.accepted);
    expect([accepted[0], accepted.includes(true)]).toEqual([false, true]);
  });

  it.each(facts.untrueNotices ?? ["notice_wrong_amount", "notice_wrong_merchant"])(
    "does not survive the comparison when it is a %s",
    async (mutate) => {
      const { account, caller, control, receiver } = world();
      const { input, code } = await startPayment(world(), subject);
      await payBy(world(), subject, { input, code }, { notify: false });
      await control.post("notices/replay", { trade: input.serial_no, mutate });
      const payment = paymentOf(await caller.readNotice(channel, account, await receiver.next(input.serial_no)));
      expect(checkIntegrity(expectPayment(channel, account, input), payment)).not.toEqual([]);
    },
  );
}

function describeBadLuck(subject: ConformanceSubject, world: () => World): void {
  const { channel } = subject;

  it("may be lost: the query tells of the payment, and a later try says the same", async () => {
    const { account, caller, control, receiver } = world();
    const started = await startPayment(world(), subject);
    await ask(world(), subject, "notice", "notice_lost");
    await payBy(world(), subject, started);
    const queried = await caller.query(channel, account, started.input);
    expect(queried).toMatchObject({ kind: "succeeded", payment: { amount: started.input.amount } });
    await control.post("notices/replay", { trade: started.input.serial_no });
    const told = await caller.readNotice(channel, account, await receiver.next(started.input.serial_no));
    expect(paymentOf(told)).toMatchObject({ serial_no: started.input.serial_no, amount: started.input.amount });
  });

  it("may overtake one another, and each is about its own order", async () => {
    const { account, caller, control, receiver } = world();
    const started = [await startPayment(world(), subject), await startPayment(world(), subject)];
    for (const one of started) await payBy(world(), subject, one, { notify: false });
    for (const { input } of started.toReversed()) {
      await control.post("notices/replay", { trade: input.serial_no });
      const told = await caller.readNotice(channel, account, await receiver.next(input.serial_no));
      expect(paymentOf(told)).toMatchObject({ serial_no: input.serial_no, amount: input.amount });
    }
  });

  it("may come long after, also when the order was asked about, and refunded, before", async () => {
    const { account, caller, control } = world();
    const started = await startPayment(world(), subject);
    const channel_trade_no = await payBy(world(), subject, started, { notify: false });
    const before = await caller.query(channel, account, started.input);
    await caller.refund(channel, account, makeRefundInput(started.input, channel_trade_no, 100n));
    await control.post("notices/replay", { trade: started.input.serial_no });
    const told = await nextPayment(world(), subject, started.input.serial_no);
    expect(told).toMatchObject({ serial_no: started.input.serial_no, amount: started.input.amount });
    expect(before).toMatchObject({ kind: "succeeded", payment: { channel_trade_no: told.channel_trade_no } });
  });
}

/** Notices of a refund come to the same address, before the payment's or after it. */
async function nextPayment({ account, caller, receiver }: World, { channel }: ConformanceSubject, serial_no: string) {
  for (;;) {
    const result = await caller.readNotice(channel, account, await receiver.next(serial_no));
    if (result.kind !== "refund" && result.kind !== "ignored") return paymentOf(result);
  }
}

function describeSpoilt(subject: ConformanceSubject, world: () => World): void {
  const { channel, facts } = subject;
  let stranger: Provisioned;
  beforeAll(async () => {
    stranger = await subject.provision(world().control, world().receiver);
  });

  it.each(facts.spoiltNotices)("is refused when it is %s", async (mutate) => {
    const { account, caller, control, receiver } = world();
    const { input, code } = await startPayment(world(), subject);
    await payBy(world(), subject, { input, code }, { notify: false });
    await control.post("notices/replay", { trade: input.serial_no, mutate });
    expect((await caller.readNotice(channel, account, await receiver.next(input.serial_no))).kind).toBe("rejected");
  });

  it("is refused by the account of another merchant, and by one that cannot be opened", async () => {
    const { account, caller, receiver } = world();
    const { input, code } = await startPayment(world(), subject);
    await payBy(world(), subject, { input, code });
    const notice = await receiver.next(input.serial_no);
    expect((await caller.readNotice(channel, stranger.account, notice)).kind).toBe("rejected");
    const broken = { ...account, id: "broken", secrets: {} };
    expect((await caller.readNotice(channel, broken, notice)).kind).toBe("rejected");
  });
}

function describeGarbage(subject: ConformanceSubject, world: () => World): void {
  const { channel } = subject;
  let good: WireNotice;
  let input: PayInput;
  beforeAll(async () => {
    const { receiver } = world();
    const started = await startPayment(world(), subject);
    input = started.input;
    await payBy(world(), subject, started);
    good = await receiver.next(input.serial_no);
  });

  it("says the same or is refused when any one byte of it is changed", async () => {
    const { account, caller } = world();
    const truth = paymentOf(await caller.readNotice(channel, account, good));
    const flip = fc.tuple(fc.nat(good.body.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(flip, async ([at, mask]) => {
        const body = Buffer.from(good.body);
        body[at] = body[at]! ^ mask;
        const result = await caller.readNotice(channel, account, { ...good, body });
        // A form has more than one spelling of the same text (%e4 and %E4): the facts must not change.
        if (result.kind !== "rejected") expect(result).toEqual({ kind: "payment_succeeded", payment: truth });
      }),
      { numRuns: 300 },
    );
  });

  it("is refused, without an exception, when it is anything else", async () => {
    const { account, caller } = world();
    const headers = fc.dictionary(fc.constantFrom(...Object.keys(good.headers)), fc.string());
    await fc.assert(
      fc.asyncProperty(headers, fc.uint8Array({ maxLength: 400 }), async (changed, bytes) => {
        const notice = { headers: { ...good.headers, ...changed }, body: Buffer.from(bytes) };
        expect((await caller.readNotice(channel, account, notice)).kind).toBe("rejected");
      }),
      { numRuns: 200 },
    );
    expect(input.serial_no).toHaveLength(26);
  });
}
