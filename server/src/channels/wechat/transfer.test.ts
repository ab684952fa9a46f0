/**
 * Guarantee: a transfer is over only when WeChat Pay says so of our number, amount and person; until its person has confirmed
 * it is pending with what the page must hand over; an unknown answer is resolved by asking.
 */
import { describe, expect, it } from "vitest";
import { startSandbox } from "../../../../sandbox/main.ts";
import { money } from "../../kit/money.ts";
import { changeAccount, context, makeNumber } from "../conformance/harness.ts";
import { ask, useWorld } from "../conformance/subject.ts";
import type { ChannelAccount, ChannelOperation, TransferInput, TransferOutcome } from "../contract.ts";
import { wechat } from "./index.ts";
import { provisionWechat } from "./testing/provision.ts";
import { transfers } from "./transfer.ts";

const { transfer, query, cancel } = transfers;

describe.each(["platform_certificate", "public_key"] as const)("transfers, %s", (keys) => {
  const world = useWorld({
    start: () => startSandbox({ port: 0 }),
    provision: (control) => provisionWechat(control, keys),
  });
  const run = (
    operation: ChannelOperation<TransferInput, TransferOutcome>,
    input: TransferInput,
    account?: ChannelAccount,
  ) => world().caller.run("wechat.transfer", account ?? world().account, operation, input);
  const fault = (operation: string, name: string) => ask(world(), { channel: wechat }, operation, name);
  const decide = (input: TransferInput, outcome: string) =>
    world().control.post("transfers", { transfer: input.transfer_no, outcome });

  function makeTransfer(fen = 300_000n, name: string | null = "张三"): TransferInput {
    const transfer_no = makeNumber();
    return {
      transfer_no,
      amount: money(fen, "CNY"),
      beneficiary: { kind: "openid", account: "o-person", name: name ?? undefined },
      title: "提现到零钱，一共三十二个字以上的说明会被截断，因为渠道只收三十二个字",
      notify_url: `${world().receiver.url}/${transfer_no}`,
      created_at: Date.UTC(2026, 10, 20),
    };
  }

  it("waits for its person with a package for the page, and succeeds once the person has confirmed", async () => {
    const { account, receiver } = world();
    const input = makeTransfer();
    expect(await run(query, input)).toEqual({ kind: "not_found" });
    const { mchid, appid } = account.config;
    const parameters = { mchId: mchid, appId: appid, package: expect.any(String) };
    const waits = { kind: "pending", action: { type: "jsapi", parameters }, detail: "WAIT_USER_CONFIRM" };
    const first = await run(transfer, input);
    expect(first).toEqual(waits);
    expect(await run(transfer, input)).toEqual(first);
    expect(await run(query, input)).toEqual({ kind: "pending", detail: "WAIT_USER_CONFIRM" });
    await decide(input, "confirm");
    const notice = await receiver.next(input.transfer_no);
    expect(await wechat.readNotice(context(account), notice)).toEqual({
      kind: "ask_transfer",
      transfer_no: input.transfer_no,
    });
    const { transfer_no, amount } = input;
    const done = { kind: "succeeded", transfer: { transfer_no, amount, channel_transfer_no: expect.any(String) } };
    expect(await run(query, input)).toMatchObject(done);
    expect(await run(transfer, input)).toMatchObject({ kind: "succeeded" });
    expect(await run(cancel!, input)).toMatchObject({ kind: "unknown", reason: "refused" });
  });

  it("fails with WeChat Pay's reason, or because it was taken back", async () => {
    const [fails, cancelled] = [makeTransfer(), makeTransfer()];
    for (const input of [fails, cancelled]) await run(transfer, input);
    await decide(fails, "fail");
    expect(await run(query, fails)).toMatchObject({ kind: "failed", failure: { code: "NAME_NOT_CORRECT" } });
    expect(await run(cancel!, makeTransfer())).toEqual({ kind: "not_found" });
    expect(await run(cancel!, cancelled)).toEqual({ kind: "pending", detail: "CANCELING" });
    expect(await run(cancel!, cancelled)).toMatchObject({ kind: "failed", failure: { code: "CANCELLED" } });
    expect(await run(query, cancelled)).toMatchObject({ kind: "failed", failure: { code: "CANCELLED" } });
  });

  it("is pending without a package while WeChat Pay has only accepted it", async () => {
    const input = makeTransfer();
    await fault("transfer", "payout_processing");
    expect(await run(transfer, input)).toEqual({ kind: "pending", detail: "ACCEPTED" });
    await decide(input, "accept");
    expect(await run(transfer, input)).toMatchObject({ kind: "pending", action: { type: "jsapi" } });
  });

  it("fails before anything is sent without a name for 2,000 yuan, a scene, or an openid", async () => {
    const input = makeTransfer(200_000n, null);
    expect(await run(transfer, input)).toMatchObject({ failure: { code: "BENEFICIARY_NAME_REQUIRED" } });
    expect(await run(transfer, makeTransfer(199_999n, null))).toMatchObject({ kind: "pending" });
    const { account } = world();
    const bare = changeAccount(account, { config: { transfer_scene_id: undefined } });
    const scene = { kind: "failed", failure: { code: "TRANSFER_SCENE_REQUIRED", elsewhere: true } };
    expect(await run(transfer, makeTransfer(), bare)).toMatchObject(scene);
    const provider = changeAccount(account, { config: { sub_mchid: "1799999999" } });
    expect(await run(transfer, makeTransfer(), provider)).toMatchObject({ failure: { code: "TRANSFER_UNSUPPORTED" } });
    const user = { ...makeTransfer(), beneficiary: { kind: "user_id", account: "2088" } } as const;
    expect(await run(transfer, user)).toMatchObject({ failure: { code: "BENEFICIARY_KIND_UNSUPPORTED" } });
  });

  it("tells a refusal from a number that was used for another transfer", async () => {
    await fault("transfer", "not_enough");
    expect(await run(transfer, makeTransfer())).toMatchObject({ kind: "failed", failure: { code: "NOT_ENOUGH" } });
    const input = makeTransfer();
    await run(transfer, input);
    const other = { ...input, amount: money(300_001n, "CNY") };
    expect(await run(transfer, other)).toMatchObject({ kind: "unknown", reason: "duplicate" });
  });

  it.each([
    ["timeout_before", "timeout", "not_found"],
    ["timeout_after", "timeout", "pending"],
    ["system_error", "system_error", "not_found"],
    ["rate_limit", "rate_limited", "not_found"],
    ["no_signature", "bad_signature", "pending"],
    ["wrong_number", "integrity", "pending"],
  ])("does not know after %s (%s); asking says %s", async (name, reason, then) => {
    const input = makeTransfer();
    await fault("transfer", name);
    const { impatient, account } = world();
    const outcome = await impatient.run("wechat.transfer", account, transfer, input);
    expect(outcome).toMatchObject({ kind: "unknown", reason });
    expect(await run(query, input)).toMatchObject({ kind: then });
    expect(await run(transfer, input)).toMatchObject({ kind: "pending", action: { type: "jsapi" } });
  });

  it.each(["wrong_amount", "wrong_number"])(
    "calls a well-signed %s an integrity error, and another person",
    async (name) => {
      const input = makeTransfer();
      await run(transfer, input);
      await fault("transfer_query", name);
      expect(await run(query, input)).toMatchObject({ kind: "unknown", reason: "integrity" });
      const person = { ...input, beneficiary: { kind: "openid", account: "o-other" } } as const;
      expect(await run(query, person)).toMatchObject({ kind: "unknown", reason: "integrity" });
    },
  );

  it("never writes the name or the openid into the log", () => {
    const { lines } = world();
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.filter((line) => line.includes("张三") || line.includes("o-person"))).toEqual([]);
  });
});
