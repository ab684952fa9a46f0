/**
 * Guarantee: what is shared of an Alipay payment is what Alipay says of each part, and nothing that it does not say; asked
 * again, nothing is shared twice; and an answer that is lost, broken or about something else is never taken for an end.
 */
import { describe, expect, it } from "vitest";
import { money } from "../../kit/money.ts";
import { makeNumber, makePayInput, makeRefundInput } from "../conformance/harness.ts";
import { codeOf, expectPending, useWorld } from "../conformance/subject.ts";
import type { ChannelOperation, ReleaseInput, ShareInput, ShareOutcome, SharingPart } from "../contract.ts";
import { alipay } from "./index.ts";
import { subjectOf } from "./testing/subject.ts";

const world = useWorld(subjectOf("isv"));
const sharing = alipay.sharing!;
const first = { kind: "user_id", account: "2088000000000011" } as const;
const second = { kind: "openid", account: "o-second" } as const;
const third = { kind: "login_id", account: "third@example.com", name: "张三" } as const;

const run = <Input, Outcome>(operation: ChannelOperation<Input, Outcome>, input: Input) =>
  world().caller.run("sharing", world().account, operation, input);
const share = (input: ShareInput) => run(sharing.share, input);
const query = (input: ShareInput) => run(sharing.queryShare, input);
const ask = (operation: string, fault: string) =>
  world().control.post("faults", { channel: "alipay", operation, fault, merchant: world().merchant });
const wait = (seconds: number) => world().control.post("clock", { advance: seconds });

/** A payment of 88.01 yuan by an app, held back, and a minute old. */
async function payShareable(): Promise<ShareInput["attempt"]> {
  const { caller, account, control } = world();
  await control.post("clock", { reset: true });
  for (const receiver of [first, second, third]) {
    expect(await run(sharing.addReceiver, receiver)).toEqual({ kind: "succeeded" });
  }
  const input = makePayInput("alipay.app", "https://shop.example/n", { sharing: true });
  const code = codeOf(expectPending(await caller.pay(alipay, account, input)));
  const { transaction_id } = await control.post("pay", { code, notify: false });
  expect(await control.get(`trades/${input.serial_no}`)).toMatchObject({ frozen: true });
  await wait(60);
  return { ...input, channel_trade_no: String(transaction_id) };
}

const part = (receiver: SharingPart["receiver"], fen: bigint): SharingPart => ({
  receiver,
  amount: money(fen, "CNY"),
  description: "佣金 a/b",
});

async function makeShare(parts: SharingPart[], changes: Partial<ShareInput> = {}): Promise<ShareInput> {
  const attempt = await payShareable();
  return { attempt, sharing_no: makeNumber(), parts, final: false, created_at: attempt.created_at, ...changes };
}

const statuses = (outcome: ShareOutcome) =>
  "parts" in outcome ? outcome.parts.map(({ receiver, status }) => [receiver.account, status]) : outcome;

describe("sharing", () => {
  it("tells of each part by itself, and of what failed in the channel's words", async () => {
    const input = await makeShare([part(first, 1_000n), part(second, 500n), part(third, 100n)]);
    await ask("share", "payout_failed");
    expect(await share(input)).toMatchObject({ kind: "pending", parts: [{ status: "pending" }, {}, {}] });
    expect(await query(input)).toMatchObject({ kind: "pending" });
    await wait(2);
    const ended = await query(input);
    expect(ended.kind).toBe("finished");
    expect(statuses(ended)).toEqual([
      [first.account, "succeeded"],
      [second.account, "succeeded"],
      [third.account, "failed"],
    ]);
    expect(ended).toMatchObject({ parts: [{}, {}, { failure: { code: "TXN_RESULT_ACCOUNT_BALANCE_NOT_ENOUGH" } }] });
  });

  it("is pending as long as one part is", async () => {
    const input = await makeShare([part(first, 1_000n), part(second, 500n)]);
    await ask("share", "payout_processing");
    await share(input);
    await wait(2);
    const halfway = await query(input);
    expect([halfway.kind, statuses(halfway)]).toEqual([
      "pending",
      [
        [first.account, "succeeded"],
        [second.account, "pending"],
      ],
    ]);
    await wait(3_600);
    expect((await query(input)).kind).toBe("finished");
  });

  it("asked again with the same number shares nothing twice, also when the first answer was lost", async () => {
    const input = await makeShare([part(first, 1_000n)]);
    await ask("share", "timeout_after");
    const lost = await world().impatient.run("share", world().account, sharing.share, input);
    expect(lost).toMatchObject({ kind: "unknown", reason: "timeout" });
    expect((await share(input)).kind).toBe("pending");
    expect(await world().control.get(`trades/${input.attempt.serial_no}`)).toMatchObject({ shared: 1_000 });
    const other = await share({ ...input, parts: [part(first, 900n)] });
    expect(other).toMatchObject({ kind: "unknown", reason: "duplicate" });
  });

  it("does not find what was never taken, and takes it then", async () => {
    const input = await makeShare([part(first, 1_000n)]);
    await ask("share", "http_500");
    expect(await share(input)).toMatchObject({ kind: "unknown", reason: "http_status" });
    expect(await query(input)).toEqual({ kind: "not_found" });
    expect((await share(input)).kind).toBe("pending");
  });

  it("fails when it is more than may be shared, or with a stranger, and shares nothing of it", async () => {
    const much = await makeShare([part(first, 2_641n)]);
    expect(await share(much)).toMatchObject({ kind: "failed", failure: { code: "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR" } });
    const stranger = { kind: "user_id", account: "2088000000000099" } as const;
    const strange = { ...much, sharing_no: makeNumber(), parts: [part(stranger, 1n)] };
    expect(await share(strange)).toMatchObject({
      kind: "failed",
      failure: { code: "ACQ.ROYALTY_RECEIVER_INVALID" },
    });
    expect(await world().control.get(`trades/${much.attempt.serial_no}`)).toMatchObject({ shared: 0 });
  });

  it.each([
    ["bad_signature", "bad_signature"],
    ["no_signature", "bad_signature"],
    ["html", "unreadable"],
    ["system_error", "system_error"],
    ["service_unavailable", "system_error"],
    ["rate_limit", "rate_limited"],
  ])("does not know after %s, and goes on as if it had not been", async (fault, reason) => {
    const input = await makeShare([part(first, 100n)]);
    await ask("share", fault);
    expect(await share(input)).toMatchObject({ kind: "unknown", reason });
    await ask("share_query", fault);
    expect(await query(input)).toMatchObject({ kind: "unknown", reason });
    await share(input);
    await wait(2);
    expect(await query(input)).toMatchObject({ kind: "finished", parts: [{ status: "succeeded" }] });
  });

  it("refuses a kind of receiver that Alipay does not take, and a login without a name, before anything is sent", async () => {
    const merchantNo = { kind: "merchant_no", account: "1" } as const;
    const input = await makeShare([part(merchantNo, 1n)]);
    const unsupported = { kind: "failed", failure: { code: "RECEIVER_KIND_NOT_SUPPORTED" } };
    expect(await share(input)).toMatchObject(unsupported);
    expect(await run(sharing.addReceiver, merchantNo)).toMatchObject(unsupported);
    expect(await run(sharing.addReceiver, { ...third, name: undefined })).toMatchObject({
      kind: "failed",
      failure: { code: "RECEIVER_NAME_REQUIRED" },
    });
  });
});

describe("the end of sharing", () => {
  it("gives the rest to the merchant, once, and the same request again says so too", async () => {
    const { attempt, created_at } = await makeShare([]);
    const input: ReleaseInput = { attempt, created_at, sharing_no: makeNumber() };
    await ask("share", "timeout_after");
    const lost = await world().impatient.run("release", world().account, sharing.release, input);
    expect(lost).toMatchObject({ kind: "unknown", reason: "timeout" });
    expect(await run(sharing.queryRelease, input)).toEqual({ kind: "succeeded" });
    expect(await world().control.get(`trades/${attempt.serial_no}`)).toMatchObject({ frozen: false });
    const late = { ...input, sharing_no: makeNumber(), parts: [part(first, 1n)], final: false };
    expect(await share(late)).toMatchObject({ kind: "failed", failure: { code: "ACQ.ILLEGAL_SETTLE_STATE" } });
  });

  it("comes with the last sharing that says so", async () => {
    const input = await makeShare([part(first, 1_000n)], { final: true });
    expect((await share(input)).kind).toBe("pending");
    expect(await world().control.get(`trades/${input.attempt.serial_no}`)).toMatchObject({
      frozen: false,
      shared: 1_000,
    });
  });
});

describe("a receiver", () => {
  it("who was removed can be added again", async () => {
    const input = await makeShare([part(first, 1n)]);
    expect(await run(sharing.removeReceiver, first)).toEqual({ kind: "succeeded" });
    expect(await share(input)).toMatchObject({ kind: "failed" });
    expect(await run(sharing.addReceiver, first)).toEqual({ kind: "succeeded" });
    expect((await share({ ...input, sharing_no: makeNumber() })).kind).toBe("pending");
  });

  it("gives back with a refund what the refund says", async () => {
    const input = await makeShare([part(first, 1_000n)]);
    await share(input);
    await wait(2);
    const { caller, account, control } = world();
    const { serial_no } = input.attempt;
    const refund = makeRefundInput(
      makePayInput("alipay.app", "https://shop.example/n", { serial_no }),
      input.attempt.channel_trade_no,
      2_000n,
      { shared: [part(first, 800n)] },
    );
    expect(await caller.refund(alipay, account, refund)).toMatchObject({ kind: "succeeded" });
    expect(await control.get(`trades/${serial_no}`)).toMatchObject({ shared: 200 });
    const more = { ...refund, refund_no: makeNumber(), shared: [part(first, 201n)] };
    expect(await caller.refund(alipay, account, more)).toMatchObject({
      kind: "failed",
      failure: { code: "ACQ.ALLOC_AMOUNT_VALIDATE_ERROR" },
    });
  });
});
