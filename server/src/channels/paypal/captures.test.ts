/**
 * Guarantee: PayPal's money is taken once, only for an attempt that is wanted, and whatever becomes of a capture or of an
 * order that is closed by never capturing it, both sides agree on it.
 */
import { describe, expect, it } from "vitest";
import { ask, payBy, startPayment, useWorld } from "../conformance/subject.ts";
import { paypal } from "./index.ts";
import { subject, untruths } from "./testing/subject.ts";

describe("PayPal's captures", () => {
  const world = useWorld(subject);
  const stateOf = async (serial_no: string) =>
    (await world().control.get(`trades/${serial_no}`)) as Record<string, unknown>;

  it("take no money of an attempt that must end, also when its payer has approved", async () => {
    const { account, caller, control } = world();
    const { input, code } = await startPayment(world(), subject);
    await control.post("pay", { code });
    const ending = { ...input, ending: true };
    expect(await caller.query(paypal, account, ending)).toEqual({ kind: "pending" });
    expect(await caller.close(paypal, account, ending)).toEqual({ kind: "closed" });
    expect(await stateOf(input.serial_no)).toMatchObject({ state: "APPROVED" });
  });

  it("that were taken all the same are not closed", async () => {
    const { account, caller, control } = world();
    const { input, code } = await startPayment(world(), subject);
    await control.post("pay", { code });
    await caller.query(paypal, account, input);
    expect(await caller.query(paypal, account, { ...input, ending: true })).toMatchObject({ kind: "succeeded" });
    expect(await caller.close(paypal, account, { ...input, ending: true })).toEqual({ kind: "already_paid" });
  });

  it("happen once when two ask at the same time", async () => {
    const { account, caller, control, receiver } = world();
    const { input, code } = await startPayment(world(), subject);
    await control.post("pay", { code });
    const answers = await Promise.all([1, 2, 3].map(() => caller.query(paypal, account, input)));
    expect(answers.map(({ kind }) => kind)).toEqual(["succeeded", "succeeded", "succeeded"]);
    await receiver.next(input.serial_no);
    const { data } = (await control.get(`notices?trade=${input.serial_no}`)) as { data: { event: string }[] };
    expect(data.filter(({ event }) => event === "PAYMENT.CAPTURE.COMPLETED")).toHaveLength(1);
  });

  it("that time out are not known, and the next question finds what they did", async () => {
    const { account, caller, impatient, control } = world();
    for (const [fault, state] of [
      ["timeout_after", "COMPLETED"],
      ["timeout_before", "APPROVED"],
    ] as const) {
      const { input, code } = await startPayment(world(), subject);
      await control.post("pay", { code });
      await ask(world(), subject, "capture", fault);
      expect(await impatient.query(paypal, account, input)).toMatchObject({ kind: "unknown", reason: "timeout" });
      expect(await stateOf(input.serial_no)).toMatchObject({ state });
      expect(await caller.query(paypal, account, input)).toMatchObject({ kind: "succeeded" });
    }
  });

  it.each(untruths)("with a %s in the answer are an integrity error", async (fault) => {
    const { account, caller, control } = world();
    const { input, code } = await startPayment(world(), subject);
    await control.post("pay", { code });
    await ask(world(), subject, "capture", fault);
    expect(await caller.query(paypal, account, input)).toMatchObject({ kind: "unknown", reason: "integrity" });
  });

  it("find a declined instrument, and the payer may choose another", async () => {
    const { account, caller, control } = world();
    const { input, code } = await startPayment(world(), subject);
    await control.post("pay", { code, outcome: "fail" });
    expect(await caller.query(paypal, account, input)).toEqual({ kind: "pending" });
    expect(await caller.query(paypal, account, input)).toEqual({ kind: "pending" });
    await control.post("pay", { code });
    expect(await caller.query(paypal, account, input)).toMatchObject({ kind: "succeeded" });
  });

  it.each([
    ["success", { kind: "succeeded" }],
    ["fail", { kind: "failed", failure: { code: "CAPTURE_DECLINED" } }],
  ])("that PayPal holds back are pending, cannot be closed, and end in %s", async (outcome, ending) => {
    const { account, caller, control, receiver } = world();
    const { input, code } = await startPayment(world(), subject);
    await control.post("pay", { code });
    await ask(world(), subject, "capture", "capture_pending");
    expect(await caller.query(paypal, account, input)).toEqual({ kind: "pending" });
    const told = await receiver.next(`PAYMENT.CAPTURE.PENDING/${input.serial_no}`);
    expect(await caller.readNotice(paypal, account, told)).toEqual({
      kind: "ask",
      serial_no: input.serial_no,
      owner: undefined,
    });
    expect(await caller.close(paypal, account, input)).toEqual({ kind: "already_paid" });
    await control.post("pay", { code, outcome });
    expect(await caller.query(paypal, account, input)).toMatchObject(ending);
  });

  it("of a second order with the same number are refused by PayPal, and not known", async () => {
    const { account, caller, control } = world();
    const first = await startPayment(world(), subject);
    await payBy(world(), subject, first);
    await control.post("clock", { advance: 6 * 3_600 });
    const again = await caller.pay(paypal, account, first.input);
    if (again.kind !== "pending") throw new Error("another order was expected");
    const second = { ...first.input, channel_order_no: again.channel_order_no! };
    expect(second.channel_order_no).not.toBe(first.input.channel_order_no);
    await control.post("pay", { code: second.channel_order_no });
    expect(await caller.query(paypal, account, second)).toMatchObject({ kind: "unknown", reason: "duplicate" });
    await control.post("clock", { reset: true });
  });
});

describe("PayPal's orders that are closed by neglect", () => {
  const world = useWorld(subject);

  it("are closed again and again, and open for nobody's money", async () => {
    const { account, caller } = world();
    const { input } = await startPayment(world(), subject);
    for (let time = 0; time < 2; time += 1) {
      expect(await caller.close(paypal, account, { ...input, ending: true })).toEqual({ kind: "closed" });
    }
    expect(await caller.query(paypal, account, { ...input, ending: true })).toEqual({ kind: "pending" });
  });

  it.each(Object.entries({ ...subject.facts.troubles, timeout_after: "timeout" }))(
    "are not closed by an answer with %s (%s)",
    async (fault, reason) => {
      const { account, impatient } = world();
      const { input } = await startPayment(world(), subject);
      await ask(world(), subject, "query", fault);
      expect(await impatient.close(paypal, account, input)).toMatchObject({ kind: "unknown", reason });
    },
  );

  it.each(untruths)("are not closed by an answer with a %s", async (fault) => {
    const { account, caller } = world();
    const { input } = await startPayment(world(), subject);
    await ask(world(), subject, "query", fault);
    expect(await caller.close(paypal, account, input)).toMatchObject({ kind: "unknown", reason: "integrity" });
  });

  it("that a payer approves while they are closed are charged once or not at all, and both sides know which", async () => {
    const { account, caller, control } = world();
    for (let round = 0; round < 5; round += 1) {
      const { input, code } = await startPayment(world(), subject);
      await control.post("pay", { code });
      const [closed, asked] = await Promise.all([
        caller.close(paypal, account, { ...input, ending: true }),
        caller.query(paypal, account, input),
      ]);
      expect(asked.kind).toBe("succeeded");
      expect(["closed", "already_paid"]).toContain(closed.kind);
      expect(await caller.close(paypal, account, input)).toEqual({ kind: "already_paid" });
    }
  });
});
