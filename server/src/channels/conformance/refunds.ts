import { describe, expect, it } from "vitest";
import { money } from "../../kit/money.ts";
import { makeRefundInput } from "./harness.ts";
import { ask, type ConformanceSubject, payInFull, troublesOf, type World } from "./subject.ts";

/** Refunds: partial, repeated, late, refused, lost on the way. */
export function describeRefunds(subject: ConformanceSubject, world: () => World): void {
  describe("refunds", () => {
    describeSuccess(subject, world);
    describeRaces(subject, world);
    describeRefusal(subject, world);
    describeAsynchrony(subject, world);
    describeTrouble(subject, world);
  });
}

/** What the channel has given back for a trade, in fen, as its control plane shows it. */
async function refundedAtChannel({ control }: World, serial_no: string): Promise<number> {
  const trade = await control.get(`trades/${serial_no}`);
  const refunds = trade.refunds as { amount: number; status: string }[];
  return refunds.reduce((sum, { amount }) => sum + Number(amount), 0);
}

function describeSuccess(subject: ConformanceSubject, world: () => World): void {
  const { channel, facts } = subject;

  it("gives money back in parts until nothing is left, and the payment stays paid", async () => {
    const { caller, account } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    for (const fen of [1n, 800n, 8_000n]) {
      const refund = makeRefundInput(input, channel_trade_no, fen);
      expect((await caller.refund(channel, account, refund)).kind).toBe(facts.refunded);
      expect(await caller.queryRefund(channel, account, refund)).toMatchObject({
        kind: "succeeded",
        refund: {
          refund_no: refund.refund_no,
          serial_no: facts.refundWithoutOrder ? undefined : input.serial_no,
          amount: money(fen, input.amount.currency),
        },
      });
      expect(await caller.query(channel, account, input)).toMatchObject({ kind: "succeeded" });
    }
    expect(await refundedAtChannel(world(), input.serial_no)).toBe(8_801);
  });

  it("moves no more money when the same refund is asked for again", async () => {
    const { caller, account } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    const refund = makeRefundInput(input, channel_trade_no, 300n);
    await caller.refund(channel, account, refund);
    await caller.queryRefund(channel, account, refund);
    const again = await caller.refund(channel, account, refund);
    expect(["pending", "succeeded"]).toContain(again.kind);
    expect(await caller.queryRefund(channel, account, refund)).toMatchObject({ kind: "succeeded" });
    expect(await refundedAtChannel(world(), input.serial_no)).toBe(300);
  });

  it("never reports success for a refund number that was used for another amount", async () => {
    const { caller, account } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    const refund = makeRefundInput(input, channel_trade_no, 300n);
    await caller.refund(channel, account, refund);
    const other = { ...refund, amount: money(400n, input.amount.currency) };
    expect(["failed", "unknown"]).toContain((await caller.refund(channel, account, other)).kind);
    expect(await caller.queryRefund(channel, account, other)).toMatchObject({ kind: "unknown", reason: "integrity" });
    expect(await refundedAtChannel(world(), input.serial_no)).toBe(300);
  });
}

function describeRaces(subject: ConformanceSubject, world: () => World): void {
  const { channel } = subject;

  it("gives back no more than was paid when two refunds of the whole race", async () => {
    const { caller, account } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    const refunds = [1, 2].map(() => makeRefundInput(input, channel_trade_no, 8_801n));
    const answers = await Promise.all(refunds.map((refund) => caller.refund(channel, account, refund)));
    expect(answers.filter(({ kind }) => kind === "failed")).toHaveLength(1);
    const asked = await Promise.all(refunds.map((refund) => caller.queryRefund(channel, account, refund)));
    expect(asked.filter(({ kind }) => kind === "succeeded")).toHaveLength(1);
    expect(await refundedAtChannel(world(), input.serial_no)).toBe(8_801);
  });

  it("gives back once when the same refund is asked for many times at once", async () => {
    const { caller, account } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    const refund = makeRefundInput(input, channel_trade_no, 300n);
    const answers = await Promise.all([1, 2, 3, 4].map(() => caller.refund(channel, account, refund)));
    expect(answers.filter(({ kind }) => kind === "failed")).toEqual([]);
    expect(await caller.queryRefund(channel, account, refund)).toMatchObject({ kind: "succeeded" });
    expect(await refundedAtChannel(world(), input.serial_no)).toBe(300);
  });
}

function describeRefusal(subject: ConformanceSubject, world: () => World): void {
  const { channel, facts } = subject;

  it("fails when more is asked for than was paid, and moves nothing", async () => {
    const { caller, account } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    const refund = makeRefundInput(input, channel_trade_no, 8_802n);
    expect(await caller.refund(channel, account, refund)).toMatchObject({ kind: "failed" });
    expect(await refundedAtChannel(world(), input.serial_no)).toBe(0);
  });

  it("fails with the channel's code when the merchant's balance is short", async () => {
    const { caller, account } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    await ask(world(), subject, "refund", "not_enough");
    const refund = makeRefundInput(input, channel_trade_no, 100n);
    expect(await caller.refund(channel, account, refund)).toMatchObject({
      kind: "failed",
      failure: { code: facts.notEnoughCode },
    });
  });

  it("finds no refund that was never asked for", async () => {
    const { caller, account } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    const refund = makeRefundInput(input, channel_trade_no, 100n);
    expect(await caller.queryRefund(channel, account, refund)).toEqual({ kind: "not_found" });
  });
}

function describeAsynchrony(subject: ConformanceSubject, world: () => World): void {
  const { channel, facts } = subject;

  it("is pending while the channel works, and succeeds when it is done", async () => {
    const { caller, account, control } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    await ask(world(), subject, "refund", "refund_processing");
    const refund = makeRefundInput(input, channel_trade_no, 100n);
    expect(await caller.refund(channel, account, refund)).toEqual({ kind: "pending" });
    expect(await caller.queryRefund(channel, account, refund)).toEqual({ kind: facts.refundUnderWay });
    await control.post("refunds", { refund: refund.refund_no, outcome: "success" });
    expect(await caller.queryRefund(channel, account, refund)).toMatchObject({ kind: "succeeded" });
  });

  it("never succeeds when the channel gives the refund up", async () => {
    const { caller, account } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    await ask(world(), subject, "refund", "refund_closed");
    const refund = makeRefundInput(input, channel_trade_no, 100n);
    expect(await caller.refund(channel, account, refund)).toEqual({ kind: "pending" });
    expect(["failed", "not_found"]).toContain((await caller.queryRefund(channel, account, refund)).kind);
  });
}

function describeTrouble(subject: ConformanceSubject, world: () => World): void {
  const { channel, facts } = subject;

  it("does not know after a timeout; the query tells whether the refund was taken", async () => {
    const { caller, impatient, account } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    const before = makeRefundInput(input, channel_trade_no, 100n);
    await ask(world(), subject, "refund", "timeout_before");
    expect(await impatient.refund(channel, account, before)).toMatchObject({ kind: "unknown", reason: "timeout" });
    expect(await caller.queryRefund(channel, account, before)).toEqual({ kind: "not_found" });
    const after = makeRefundInput(input, channel_trade_no, 200n);
    await ask(world(), subject, "refund", "timeout_after");
    expect(await impatient.refund(channel, account, after)).toMatchObject({ kind: "unknown", reason: "timeout" });
    expect(await caller.queryRefund(channel, account, after)).toMatchObject({ kind: "succeeded" });
  });

  it.each(Object.entries(troublesOf(facts)))("does not know after %s (%s)", async (fault, reason) => {
    const { caller, account } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    const refund = makeRefundInput(input, channel_trade_no, 100n);
    await ask(world(), subject, "refund", fault);
    expect(await caller.refund(channel, account, refund)).toMatchObject({ kind: "unknown", reason });
    await ask(world(), subject, "refund_query", fault);
    expect(await caller.queryRefund(channel, account, refund)).toMatchObject({ kind: "unknown", reason });
  });

  it.each(facts.refundUntruths)("calls a well-signed %s an integrity error", async (fault) => {
    const { caller, account } = world();
    const { input, channel_trade_no } = await payInFull(world(), subject);
    const refund = makeRefundInput(input, channel_trade_no, 100n);
    await caller.refund(channel, account, refund);
    await caller.queryRefund(channel, account, refund);
    await ask(world(), subject, "refund_query", fault);
    expect(await caller.queryRefund(channel, account, refund)).toMatchObject({ kind: "unknown", reason: "integrity" });
  });
}
