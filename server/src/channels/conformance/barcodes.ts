import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { isBarcode } from "../auth-code.ts";
import type { Method, PayInput, UnknownReason } from "../contract.ts";
import { changeAccount, makePayInput } from "./harness.ts";
import { ask, type ConformanceSubject, strangeKeyOf, troublesOf, type World } from "./subject.ts";

/** What the suite must know of a channel's code payments. */
export interface BarcodeFacts {
  /** How a payer behaves, and the code of the refusal. */
  readonly refusals: Readonly<Record<string, string>>;
  /** Faults of an exchange and the reason that each must have. */
  readonly troubles: Readonly<Record<string, UnknownReason>>;
  /** Well-signed but untrue answers to a query. */
  readonly untruths: readonly string[];
  /** A charge that goes well is only accepted: the query tells that it is paid. */
  readonly acceptedFirst?: true;
  /** The query after the payer declined. */
  readonly declined: "failed" | "closed";
  /** The channel may answer a cancellation that the payer is paying. */
  readonly busy: boolean;
  /** Cancelling an order that does not exist. */
  readonly cancelledAbsent: "closed" | "not_found";
}

type Begin = (behaviour: string) => Promise<PayInput>;

/** Orders paid by the code that a payer shows: every behaviour of the payer, and every trouble on the way. */
export function describeBarcodes(subject: ConformanceSubject, world: () => World, facts: BarcodeFacts): void {
  const method = (Object.keys(subject.channel.pay) as Method[]).find(isBarcode)!;
  const codes: string[] = [];
  const begin: Begin = async (behaviour) => {
    const { control } = world();
    const { auth_code } = await control.post("auth_codes", { channel: subject.channel.id, behaviour });
    codes.push(String(auth_code));
    return makePayInput(method, "https://shop.example/n", { payer: { auth_code: String(auth_code) } });
  };
  describe("code payments", () => {
    afterEach(() => world().control.post("clock", { reset: true }));
    describeCharge(subject, world, facts, begin);
    describeCancel(subject, world, facts, begin);
    describeTroubles(subject, world, facts, begin);
    it("never writes a payer's code into the log", () => {
      const written = world().lines.join("");
      expect(codes.length).toBeGreaterThan(5);
      expect(codes.filter((code) => written.includes(code))).toEqual([]);
    });
  });
}

function describeCharge(subject: ConformanceSubject, world: () => World, facts: BarcodeFacts, begin: Begin): void {
  const { channel } = subject;

  it("takes the money at once, with our number and amount", async () => {
    const { caller, account } = world();
    const input = await begin("success");
    const charged = await caller.pay(channel, account, input);
    const paid = await caller.query(channel, account, input);
    expect(paid).toMatchObject({ kind: "succeeded", payment: { serial_no: input.serial_no, amount: input.amount } });
    expect(charged).toEqual(facts.acceptedFirst ? { kind: "pending", action: { type: "none" } } : paid);
  });

  it("waits for a payer who must confirm, and who pays or declines", async () => {
    const { caller, account, control } = world();
    const [pays, declines] = [await begin("confirm"), await begin("confirm")];
    for (const input of [pays, declines]) {
      expect(await caller.pay(channel, account, input)).toEqual({ kind: "pending", action: { type: "none" } });
      expect(await caller.query(channel, account, input)).toEqual({ kind: "pending" });
    }
    await control.post("pay", { code: pays.serial_no });
    await control.post("pay", { code: declines.serial_no, outcome: "fail" });
    expect(await caller.query(channel, account, pays)).toMatchObject({
      kind: "succeeded",
      payment: { serial_no: pays.serial_no, amount: pays.amount },
    });
    expect((await caller.query(channel, account, declines)).kind).toBe(facts.declined);
  });

  it.each(Object.entries(facts.refusals))("a payer who is %s is refused: %s", async (behaviour, code) => {
    const { caller, account } = world();
    const input = await begin(behaviour);
    expect(await caller.pay(channel, account, input)).toMatchObject({ kind: "failed", failure: { code } });
    expect(await caller.query(channel, account, input)).toEqual({ kind: "not_found" });
  });

  it.each([
    ["system_error", "succeeded"],
    ["bank_error", "pending"],
  ])("does not know after %s: the query says %s", async (behaviour, kind) => {
    const { caller, account } = world();
    const input = await begin(behaviour);
    expect(await caller.pay(channel, account, input)).toMatchObject({ kind: "unknown" });
    expect((await caller.query(channel, account, input)).kind).toBe(kind);
  });

  it("fails before anything is sent without a code, and shows no code of a refusal that quotes the request", async () => {
    const { caller, account } = world();
    const bare = makePayInput((await begin("success")).method, "https://shop.example/n", { payer: {} });
    expect(await caller.pay(channel, account, bare)).toMatchObject({
      kind: "failed",
      failure: { code: "PAYER_AUTH_CODE_REQUIRED" },
    });
    const input = await begin("success");
    const stranger = changeAccount(account, { secrets: { [subject.privateKeyField]: strangeKeyOf(subject) } });
    const refused = await caller.pay(channel, stranger, input);
    expect(inspect(refused, { depth: 9 })).not.toContain(input.payer.auth_code);
  });
}

function describeCancel(subject: ConformanceSubject, world: () => World, facts: BarcodeFacts, begin: Begin): void {
  const { channel } = subject;
  const { cancel_after_ms } = channel.barcode!;
  const wait = () => world().control.post("clock", { advance: Math.ceil(cancel_after_ms / 1000) });

  it("cancels an order that waits: it can no longer be paid", async () => {
    const { caller, account, control } = world();
    const input = await begin("confirm");
    await caller.pay(channel, account, input);
    await wait();
    expect(await caller.cancel(channel, account, input)).toEqual({ kind: "closed" });
    expect(await caller.cancel(channel, account, input)).toEqual({ kind: "closed" });
    expect(await caller.query(channel, account, input)).toEqual({ kind: "closed" });
    await expect(control.post("pay", { code: input.serial_no })).rejects.toThrow("409");
  });

  it("gives the money of a paid order back", async () => {
    const { caller, account } = world();
    const input = await begin("success");
    await caller.pay(channel, account, input);
    await wait();
    expect(await caller.cancel(channel, account, input)).toEqual({ kind: "closed" });
    // It must not read as paid: whoever asks has not heard yet that it was cancelled.
    expect(await caller.query(channel, account, input)).toEqual({ kind: "closed" });
  });

  it("says of an order that does not exist what the channel says", async () => {
    const { caller, account } = world();
    expect((await caller.cancel(channel, account, await begin("success"))).kind).toBe(facts.cancelledAbsent);
  });

  it.runIf(facts.busy)("does not know when it cancels too soon, or while the payer is paying", async () => {
    const { caller, account } = world();
    const input = await begin("confirm");
    await caller.pay(channel, account, input);
    expect(await caller.cancel(channel, account, input)).toMatchObject({ kind: "unknown" });
    await wait();
    await ask(world(), subject, "cancel", "user_paying");
    expect(await caller.cancel(channel, account, input)).toMatchObject({ kind: "unknown" });
    expect(await caller.cancel(channel, account, input)).toEqual({ kind: "closed" });
  });
}

function describeTroubles(subject: ConformanceSubject, world: () => World, facts: BarcodeFacts, begin: Begin): void {
  const { channel } = subject;
  const { cancel_after_ms } = channel.barcode!;

  it.each([
    ["timeout_before", "not_found"],
    ["timeout_after", "succeeded"],
  ])("does not know after %s: the query says %s", async (fault, kind) => {
    const { caller, impatient, account } = world();
    const input = await begin("success");
    await ask(world(), subject, "pay", fault);
    expect(await impatient.pay(channel, account, input)).toMatchObject({ kind: "unknown", reason: "timeout" });
    expect((await caller.query(channel, account, input)).kind).toBe(kind);
  });

  it.each(Object.entries(troublesOf(facts)))(
    "does not know after %s (%s), whatever was asked",
    async (fault, reason) => {
      const { caller, account, control } = world();
      await ask(world(), subject, "pay", fault);
      expect(await caller.pay(channel, account, await begin("success"))).toMatchObject({ kind: "unknown", reason });
      const input = await begin("success");
      await caller.pay(channel, account, input);
      await ask(world(), subject, "query", fault);
      expect(await caller.query(channel, account, input)).toMatchObject({ kind: "unknown", reason });
      await control.post("clock", { advance: Math.ceil(cancel_after_ms / 1000) });
      await ask(world(), subject, "cancel", fault);
      expect(await caller.cancel(channel, account, input)).toMatchObject({ kind: "unknown", reason });
    },
  );

  it.each(facts.untruths)("calls a well-signed %s an integrity error", async (fault) => {
    const { caller, account } = world();
    const input = await begin("success");
    await caller.pay(channel, account, input);
    await ask(world(), subject, "query", fault);
    expect(await caller.query(channel, account, input)).toMatchObject({ kind: "unknown", reason: "integrity" });
  });
}
