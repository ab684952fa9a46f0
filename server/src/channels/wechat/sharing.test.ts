/**
 * Guarantee: a sharing is over only when WeChat Pay says so of every receiver, each part is read for what it got, numbers and
 * amounts that differ are integrity errors, and an unknown answer is resolved by asking. For a direct merchant and for a
 * service provider.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startSandbox } from "../../../../sandbox/main.ts";
import { money } from "../../kit/money.ts";
import { makeNumber, makePayInput } from "../conformance/harness.ts";
import { ask, codeOf, expectPending, useWorld } from "../conformance/subject.ts";
import type { ChannelOperation, ShareInput, SharingPart, SharingReceiver } from "../contract.ts";
import { RequestRefused } from "../refusal.ts";
import { wechat } from "./index.ts";
import { sharing } from "./sharing.ts";
import { provisionWechat } from "./testing/provision.ts";

const company: SharingReceiver = { kind: "merchant_no", account: "1900000999", name: "模拟分账方有限公司" };
const person: SharingReceiver = { kind: "openid", account: "o-partner", name: "张三" };
const part = (receiver: SharingReceiver, fen: bigint): SharingPart => ({
  receiver,
  amount: money(fen, "CNY"),
  description: "佣金",
});

describe.each([
  ["direct", "platform_certificate"],
  ["partner", "public_key"],
] as const)("sharing, %s, %s", (mode, keys) => {
  const subject = { channel: wechat };
  const world = useWorld({
    start: () => startSandbox({ port: 0 }),
    provision: (control) => provisionWechat(control, keys, { mode }),
  });
  const run = <Input, Outcome>(operation: ChannelOperation<Input, Outcome>, input: Input, patient = true) =>
    world()[patient ? "caller" : "impatient"].run("wechat.sharing", world().account, operation, input);
  const fault = (operation: string, name: string) => ask(world(), subject, operation, name);

  beforeEach(async () => {
    for (const receiver of [company, person])
      expect(await run(sharing.addReceiver, receiver)).toEqual({ kind: "succeeded" });
  });
  afterEach(() => world().control.post("clock", { reset: true }));

  /** A payment of 88.01 yuan, held back for more than a minute. */
  async function payHeld(): Promise<Pick<ShareInput, "attempt" | "created_at">> {
    const { caller, account, control, receiver } = world();
    const input = makePayInput("wechat.native", receiver.url, { sharing: true });
    const code = codeOf(expectPending(await caller.pay(wechat, account, input)));
    const { transaction_id } = await control.post("pay", { code, notify: false });
    await control.post("clock", { advance: 61 });
    return { attempt: { ...input, channel_trade_no: String(transaction_id) }, created_at: input.created_at };
  }
  async function makeShare(parts: SharingPart[], final = false): Promise<ShareInput> {
    return { ...(await payHeld()), sharing_no: makeNumber(), parts, final };
  }
  const both = [part(company, 2_000n), part(person, 640n)];
  const shared = (...statuses: string[]) => statuses.map((status) => expect.objectContaining({ status }));

  it("is pending until each receiver has got its part; repeating changes nothing", async () => {
    const input = await makeShare(both);
    expect(await run(sharing.queryShare, input)).toEqual({ kind: "not_found" });
    expect(await run(sharing.share, input)).toEqual({ kind: "pending", parts: shared("pending", "pending") });
    const finished = { kind: "finished", parts: shared("succeeded", "succeeded") };
    expect(await run(sharing.queryShare, input)).toMatchObject(finished);
    expect(await run(sharing.share, input)).toMatchObject(finished);
  });

  it("tells which part failed and why", async () => {
    const input = await makeShare(both);
    await fault("share", "payout_failed");
    await run(sharing.share, input);
    const outcome = await run(sharing.queryShare, input);
    if (outcome.kind !== "finished") throw new Error(JSON.stringify(outcome));
    expect(outcome.parts).toEqual([
      { receiver: { kind: "merchant_no", account: company.account }, amount: both[0]!.amount, status: "succeeded" },
      {
        receiver: { kind: "openid", account: person.account },
        amount: both[1]!.amount,
        status: "failed",
        failure: { code: "ACCOUNT_ABNORMAL", message: expect.any(String) },
      },
    ]);
  });

  it("releases the rest, with the last part or by itself", async () => {
    const last = await makeShare(both, true);
    await run(sharing.share, last);
    expect(await run(sharing.queryShare, last)).toMatchObject({ kind: "finished" });
    expect(await run(sharing.share, { ...last, sharing_no: makeNumber() })).toMatchObject({ kind: "failed" });

    const release = { ...(await payHeld()), sharing_no: makeNumber() };
    expect(await run(sharing.queryRelease!, release)).toEqual({ kind: "not_found" });
    await fault("share", "payout_processing");
    expect(await run(sharing.release, release)).toEqual({ kind: "pending" });
    expect(await run(sharing.queryRelease!, release)).toEqual({ kind: "pending" });
    await world().control.post("sharings", { sharing: release.sharing_no });
    expect(await run(sharing.queryRelease!, release)).toEqual({ kind: "succeeded" });
  });

  it("takes a part back from a merchant, never more than it got, and from no person", async () => {
    const input = await makeShare(both);
    await run(sharing.share, input);
    const back = { ...input, return_no: makeNumber(), receiver: company, amount: money(1_500n, "CNY") };
    expect(await run(sharing.queryReturn!, back)).toEqual({ kind: "not_found" });
    expect(await run(sharing.returnShare!, back)).toEqual({ kind: "succeeded" });
    expect(await run(sharing.returnShare!, back)).toEqual({ kind: "succeeded" });
    expect(await run(sharing.queryReturn!, back)).toEqual({ kind: "succeeded" });
    const other = { ...back, amount: money(1n, "CNY") };
    expect(await run(sharing.returnShare!, other)).toMatchObject({ kind: "unknown", reason: "duplicate" });
    const more = { ...back, return_no: makeNumber(), amount: money(501n, "CNY") };
    expect(await run(sharing.returnShare!, more)).toMatchObject({ kind: "failed", failure: { code: "NOT_ENOUGH" } });
    await fault("share", "payout_failed");
    const fails = { ...back, return_no: makeNumber(), amount: money(1n, "CNY") };
    expect(await run(sharing.returnShare!, fails)).toMatchObject({ failure: { code: "BALANCE_NOT_ENOUGH" } });
    expect(await run(sharing.returnShare!, { ...back, receiver: person })).toMatchObject({
      kind: "failed",
      failure: { code: "RECEIVER_CANNOT_RETURN" },
    });
  });

  it("fails with the channel's code where nothing was done", async () => {
    const tooMuch = await makeShare([part(company, 2_641n)]);
    expect(await run(sharing.share, tooMuch)).toMatchObject({ kind: "failed", failure: { code: "RULE_LIMIT" } });
    await run(sharing.removeReceiver, person);
    const stranger = await makeShare([part(person, 1n)]);
    expect(await run(sharing.share, stranger)).toMatchObject({ kind: "failed", failure: { code: "INVALID_REQUEST" } });
    expect(await run(sharing.removeReceiver, person)).toMatchObject({ kind: "failed" });
    const none = { ...(await makeShare(both)), parts: [] };
    expect(await run(sharing.share, none)).toMatchObject({ failure: { code: "PARTS_OUT_OF_RANGE" } });
  });

  it("does not know whether it was shared while the payment is younger than a minute", async () => {
    const input = await makeShare(both);
    await world().control.post("clock", { reset: true });
    expect(await run(sharing.share, input)).toMatchObject({ kind: "unknown", reason: "system_error" });
    expect(await run(sharing.queryShare, input)).toEqual({ kind: "not_found" });
  });

  it.each([
    ["timeout_before", "timeout", "not_found"],
    ["timeout_after", "timeout", "finished"],
    ["system_error", "system_error", "not_found"],
    ["rate_limit", "rate_limited", "not_found"],
    ["bad_signature", "bad_signature", "finished"],
  ])("does not know after %s (%s); asking says %s", async (name, reason, then) => {
    const input = await makeShare(both);
    await fault("share", name);
    expect(await run(sharing.share, input, false)).toMatchObject({ kind: "unknown", reason });
    expect(await run(sharing.queryShare, input)).toMatchObject({ kind: then });
    await run(sharing.share, input);
    expect(await run(sharing.queryShare, input)).toMatchObject({ kind: "finished" });
  });

  it.each(["wrong_amount", "wrong_number"])("calls a well-signed %s an integrity error", async (name) => {
    const input = await makeShare(both);
    await run(sharing.share, input);
    await fault("share_query", name);
    expect(await run(sharing.queryShare, input)).toMatchObject({ kind: "unknown", reason: "integrity" });
  });

  it("never writes a name or an openid into the log, nor in clear on the wire", async () => {
    const { account, lines } = world();
    const input = await makeShare([part(person, 10n)]);
    const context = {
      account,
      clock: { now: () => 0 },
      random: { bytes: (length: number) => Buffer.alloc(length), unit: () => 0 },
    };
    const share = sharing.share;
    if ("converse" in share) throw new Error("an operation was expected");
    const { body, headers } = await share.toRequest(context, input);
    expect(body).not.toContain(person.name);
    expect(headers["wechatpay-serial"]).toBeTruthy();
    expect(lines.filter((line) => line.includes(person.name!) || line.includes(person.account))).toEqual([]);
    const strange = { kind: "login_id", account: "a@b.example" } as const;
    const add = sharing.addReceiver;
    if ("converse" in add) throw new Error("an operation was expected");
    await expect(add.toRequest(context, strange)).rejects.toThrow(RequestRefused);
  });
});
