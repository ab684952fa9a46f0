import { describe, expect, it } from "vitest";
import { money } from "../../kit/money.ts";
import { isBarcode } from "../auth-code.ts";
import type { Method } from "../contract.ts";
import { changeAccount } from "./harness.ts";
import {
  ask,
  type ConformanceSubject,
  codeOf,
  expectPending,
  makeOrder,
  payInFull,
  startPayment,
  strangeKeyOf,
  troublesOf,
  type World,
} from "./subject.ts";

/** Orders: started, asked for, closed; refused, repeated, contradicted, lost on the way. */
export function describePayments(subject: ConformanceSubject, world: () => World): void {
  describe("payments", () => {
    describeLife(subject, world);
    describeRepetition(subject, world);
    describeTrouble(subject, world);
    describeSkew(subject, world);
    describeUntruth(subject, world);
    describeEnd(subject, world);
  });
}

function describeLife(subject: ConformanceSubject, world: () => World): void {
  const { channel, facts } = subject;

  const ordered = (Object.keys(channel.pay) as Method[]).filter((method) => !isBarcode(method));
  it.each(ordered)("%s goes from order to paid, with our number and amount", async (method) => {
    const { caller, account, control } = world();
    const { input, code } = await startPayment(world(), subject, { method });
    expect(["pending", "not_found"]).toContain((await caller.query(channel, account, input)).kind);
    const paid = await control.post("pay", { code, notify: false });
    expect(await caller.query(channel, account, input)).toMatchObject({
      kind: "succeeded",
      payment: { serial_no: input.serial_no, amount: input.amount, channel_trade_no: paid.transaction_id },
    });
  });

  it("tells an unseen order, a seen one and one that does not exist apart as far as the channel does", async () => {
    const { caller, account, control, receiver } = world();
    const { input, code } = await startPayment(world(), subject);
    expect(await caller.query(channel, account, input)).toEqual({ kind: facts.unseen });
    await control.post("pay", { code, outcome: "fail" });
    expect(await caller.query(channel, account, input)).toEqual({ kind: "pending" });
    const stranger = makeOrder(subject, receiver.url);
    expect(await caller.query(channel, account, stranger)).toEqual({ kind: "not_found" });
  });

  it("takes a refusal as a failure only where the channel is explicit", async () => {
    const { caller, account, receiver } = world();
    const unknownKey = changeAccount(account, { secrets: { [subject.privateKeyField]: strangeKeyOf(subject) } });
    const { input: started } = await startPayment(world(), subject);
    expect(await caller.pay(channel, unknownKey, makeOrder(subject, receiver.url))).toMatchObject({ kind: "failed" });
    expect(await caller.query(channel, unknownKey, started)).toMatchObject({ kind: "unknown", reason: "refused" });
    if (!channel.close) return;
    expect(await caller.close(channel, unknownKey, started)).toMatchObject({ kind: "unknown", reason: "refused" });
  });

  it("says not_sent when the account cannot sign", async () => {
    const { caller, account, receiver } = world();
    const broken = { ...changeAccount(account, {}), secrets: {} };
    const input = makeOrder(subject, receiver.url);
    expect(await caller.pay(channel, broken, input)).toMatchObject({ kind: "unknown", reason: "not_sent" });
  });
}

function describeRepetition(subject: ConformanceSubject, world: () => World): void {
  const { channel } = subject;

  it("answers the same order again when it is asked for again", async () => {
    const { caller, account } = world();
    const { input, code } = await startPayment(world(), subject);
    expect(codeOf(expectPending(await caller.pay(channel, account, input)))).toBe(code);
  });

  it("does not know when the same number is asked for with another amount, and keeps the first order", async () => {
    const { caller, account, control } = world();
    const { input, code } = await startPayment(world(), subject);
    const other = { ...input, amount: money(1n, input.amount.currency) };
    expect(await caller.pay(channel, account, other)).toMatchObject({ kind: "unknown", reason: "duplicate" });
    await control.post("pay", { code, notify: false });
    expect(await caller.query(channel, account, input)).toMatchObject({ payment: { amount: input.amount } });
  });

  it("does not know when a paid order is asked for again: only the query tells that it is paid", async () => {
    const { caller, account } = world();
    const { input } = await payInFull(world(), subject);
    expect(await caller.pay(channel, account, input)).toMatchObject({ kind: "unknown", reason: "duplicate" });
    expect(await caller.query(channel, account, input)).toMatchObject({ kind: "succeeded" });
  });
}

function describeTrouble(subject: ConformanceSubject, world: () => World): void {
  const { channel, facts } = subject;

  it("does not know after a timeout before the effect; the order does not exist", async () => {
    const { caller, impatient, account, receiver } = world();
    await ask(world(), subject, "pay", "timeout_before");
    const input = makeOrder(subject, receiver.url);
    expect(await impatient.pay(channel, account, input)).toMatchObject({ kind: "unknown", reason: "timeout" });
    expect(await caller.query(channel, account, input)).toEqual({ kind: "not_found" });
  });

  it("does not know after a timeout after the effect; the order can be paid", async () => {
    const { caller, impatient, account, receiver, control } = world();
    await ask(world(), subject, "pay", "timeout_after");
    const input = makeOrder(subject, receiver.url);
    expect(await impatient.pay(channel, account, input)).toMatchObject({ kind: "unknown", reason: "timeout" });
    if (facts.lostWithoutNumber) {
      expect(await caller.query(channel, account, input)).toEqual({ kind: "not_found" });
      const again = await caller.pay(channel, account, input);
      if (again.kind !== "pending") throw new Error("the same order was expected");
      Object.assign(input, { channel_order_no: again.channel_order_no });
    }
    await control.post("pay", { code: input.serial_no, notify: false });
    expect(await caller.query(channel, account, input)).toMatchObject({ kind: "succeeded" });
  });

  it.each(Object.entries(troublesOf(facts)))(
    "does not know after %s (%s), whatever was asked",
    async (fault, reason) => {
      const { caller, account, receiver } = world();
      await ask(world(), subject, "pay", fault);
      const started = makeOrder(subject, receiver.url);
      expect(await caller.pay(channel, account, started)).toMatchObject({ kind: "unknown", reason });

      const { input } = await payInFull(world(), subject);
      await ask(world(), subject, "query", fault);
      expect(await caller.query(channel, account, input)).toMatchObject({ kind: "unknown", reason });
      expect(await caller.query(channel, account, input)).toMatchObject({ kind: "succeeded" });
    },
  );

  const troublesOfClosing = channel.close && !facts.closedByNeglect ? Object.entries(troublesOf(facts)) : [];
  it.each(troublesOfClosing)("does not believe a close after %s (%s)", async (fault, reason) => {
    const { caller, account, control } = world();
    const { input, code } = await startPayment(world(), subject);
    await control.post("pay", { code, outcome: "fail" });
    await ask(world(), subject, "close", fault);
    expect(await caller.close(channel, account, input)).toMatchObject({ kind: "unknown", reason });
  });
}

function describeSkew(subject: ConformanceSubject, world: () => World): void {
  const { channel } = subject;

  it("says nothing wrong of an order when the channel's clock is a quarter of an hour ahead of ours", async () => {
    const { caller, account, control } = world();
    const { input } = await payInFull(world(), subject);
    await control.post("clock", { advance: 900 });
    const ahead = await caller.query(channel, account, input).finally(() => control.post("clock", { reset: true }));
    expect(["succeeded", "unknown"]).toContain(ahead.kind);
    expect(await caller.query(channel, account, input)).toMatchObject({ kind: "succeeded" });
  });
}

function describeUntruth(subject: ConformanceSubject, world: () => World): void {
  const { channel, facts } = subject;

  it.each(facts.untruths)("calls a well-signed %s an integrity error, loudly and without the payer", async (fault) => {
    const { caller, account, lines } = world();
    const { input } = await payInFull(world(), subject);
    const truth = await caller.query(channel, account, input);
    if (truth.kind !== "succeeded") throw new Error("the payment was expected to have succeeded");
    await ask(world(), subject, "query", fault);
    const before = lines.length;
    expect(await caller.query(channel, account, input)).toMatchObject({ kind: "unknown", reason: "integrity" });
    const written = lines.slice(before).join("");
    expect(written).toContain('"level":"error"');
    expect(written).not.toContain(truth.payment.payer);
  });

  it.runIf(channel.close && !facts.closedByNeglect)("does not believe the state of another order either", async () => {
    const { caller, account, control } = world();
    const { input, code } = await startPayment(world(), subject);
    await control.post("pay", { code, outcome: "fail" });
    await caller.close(channel, account, input);
    expect(await caller.query(channel, account, input)).toEqual({ kind: "closed" });
    await ask(world(), subject, "query", "wrong_number");
    expect(await caller.query(channel, account, input)).toMatchObject({ kind: "unknown", reason: "integrity" });
  });
}

function describeEnd(subject: ConformanceSubject, world: () => World): void {
  const { channel, facts } = subject;

  it.runIf(channel.close && !facts.closedByNeglect)("closes an unpaid order, also twice", async () => {
    const { caller, account, control } = world();
    const { input, code } = await startPayment(world(), subject);
    await control.post("pay", { code, outcome: "fail" });
    expect(await caller.close(channel, account, input)).toEqual({ kind: "closed" });
    expect(await caller.close(channel, account, input)).toEqual({ kind: facts.closedTwice });
    expect(await caller.query(channel, account, input)).toEqual({ kind: "closed" });
    await expect(control.post("pay", { code })).rejects.toThrow("409");
  });

  it.runIf(channel.close)("cannot close what is paid or what does not exist", async () => {
    const { caller, account, receiver } = world();
    const { input } = await payInFull(world(), subject);
    expect(await caller.close(channel, account, input)).toEqual({ kind: "already_paid" });
    const stranger = makeOrder(subject, receiver.url);
    expect(await caller.close(channel, account, stranger)).toEqual({ kind: "not_found" });
  });

  it.runIf(channel.close && !facts.closedByNeglect)(
    "agrees with the channel about who won when payer and close race",
    async () => {
      const { caller, account, control } = world();
      for (let round = 0; round < 5; round += 1) {
        const { input, code } = await startPayment(world(), subject);
        await control.post("pay", { code, outcome: "fail" });
        const pay = control.post("pay", { code, notify: false }).then(
          () => "paid",
          () => "refused",
        );
        const [closed, paid] = await Promise.all([caller.close(channel, account, input), pay]);
        const winner = paid === "paid" ? ["already_paid", "succeeded"] : ["closed", "closed"];
        expect([closed.kind, (await caller.query(channel, account, input)).kind]).toEqual(winner);
      }
    },
  );

  it.runIf(channel.cancel)("cancels an unpaid order, and gives the money of a paid one back", async () => {
    const { caller, account, control } = world();
    const unseen = await startPayment(world(), subject);
    const { kind } = await caller.cancel(channel, account, unseen.input);
    // A code that nobody has scanned is not an order yet everywhere; it is void all the same.
    expect(["closed", "not_found"]).toContain(kind);
    await expect(control.post("pay", { code: unseen.code })).rejects.toThrow("409");
    const { input } = await payInFull(world(), subject);
    expect(await caller.cancel(channel, account, input)).toEqual({ kind: "closed" });
    // Paid and refunded in full: it must not read as "closed without being paid".
    expect(await caller.query(channel, account, input)).toMatchObject({ kind: "succeeded" });
  });
}
