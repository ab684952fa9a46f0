/**
 * Guarantee: what our bank is to pay is in one file, once, which says the same however often it is had; only what a person
 * says became of it moves the money; a large payout is seen by an operator first.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createOperator, type TestOperator } from "../../../../test/platform/operators.ts";
import { balanceOf, bankAccount, coolAtOnce, enter, fund, payoutBody } from "../../../../test/platform/payouts.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import type { Json } from "../../../../test/platform/sandbox-control.ts";
import { parsePublicId, publicId } from "../../kit/id.ts";
import { readXlsx } from "../../kit/table/testing/read-xlsx.ts";
import { getBalances } from "../../ledger/index.ts";
import { NO_CONTROLS } from "../account-operation/control.ts";
import { saveControls } from "../account-operation/control-store.ts";
import { setApprovalPolicy } from "../approval/index.ts";
import { writeBankFile } from "./bank-file.ts";
import { loadBankFile } from "./bank-file-store.ts";
import { setPayoutSettings, setTransferCost } from "./index.ts";
import { DEFAULT_RULES, type PayoutRules } from "./settings.ts";

const PATH = "/v1/payouts";
const FILES = "/payout_bank_files";
let platform: Platform;
let operator: TestOperator;
let checker: TestOperator;
let card: Json;

const key = () => ({ merchant_id: platform.merchant.merchant_id, livemode: false, currency: "CNY" });
const set = (rules: Partial<PayoutRules>) =>
  setPayoutSettings(platform.services, key(), { ...DEFAULT_RULES, ...rules });
const ask = (more: object = {}) => platform.post(PATH, payoutBody(card, more));
const read = ({ id }: Json) => platform.get(`${PATH}/${id}`);
const makeFile = (headers?: Record<string, string>) =>
  operator.call("POST", FILES, { livemode: false, currency: "CNY" }, headers);
const record = async ({ id }: Json, body: object) => (await operator.call("POST", `/payouts/${id}/result`, body)).body;
const balance = () => balanceOf(platform);
const bankHolds = async () =>
  (await getBalances(platform.services.db, key())).find(({ kind }) => kind === "bank")?.balance ?? 0n;

beforeAll(async () => {
  platform = await startPlatform();
  [operator, checker] = [await createOperator(platform, "op-1"), await createOperator(platform, "op-2")];
  await coolAtOnce(platform);
  card = await enter(platform, {
    ...{ type: "bank_card", name: "王小明" },
    bank_card: {
      number: "6222021234567890128",
      bank_name: "招商银行",
      branch_name: "北京分行",
      cnaps_code: "308100005019",
    },
  });
}, 60_000);
beforeEach(async () => {
  await set({});
  await fund(platform, 50_000);
});
afterEach(async () => {
  await platform.settle();
  expect(await platform.findFaults()).toEqual([]);
});
afterAll(() => platform?.close());

describe("a file for the bank", () => {
  test("holds what waits, once, with all that the bank needs; its payouts are sent", async () => {
    await set({ fee_fixed_amount: 100n });
    const [first, second] = [await ask({ title: "工资" }), await ask({ amount: 500 })];
    expect(first).toMatchObject({ status: "pending", channel: "bank", fee: 100 });
    const headers = { "idempotency-key": "file-1" };
    const made = await makeFile(headers);
    expect([made.status, made.body]).toEqual([
      201,
      expect.objectContaining({ object: "payout_bank_file", payouts: 2, amount: 1_734, currency: "CNY" }),
    ]);
    const again = await makeFile(headers);
    expect([again.status, again.body]).toEqual([200, made.body]);
    expect((await makeFile()).body.error.code).toBe("payout_bank_file.nothing");
    expect(await read(first)).toMatchObject({ status: "sent", sent_at: made.body.created_at });
    expect((await operator.call("GET", FILES)).body.data[0]).toEqual(made.body);

    const file = (await loadBankFile(platform.services.db, parsePublicId("payout_bank_file", made.body.id)!))!;
    const write = async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of writeBankFile(platform.services.payout, file, "xlsx")) chunks.push(chunk);
      return readXlsx(Buffer.concat(chunks))[0]!.rows;
    };
    const rows = await write();
    expect(rows.slice(1).map(([number]) => number)).toEqual(["1", "2"]);
    const row = (payout: Json) => rows.find(([, transfer_no]) => transfer_no === payout.transfer_no)!.slice(2);
    const bank = ["6222021234567890128", "王小明", "对私 personal", "招商银行", "北京分行", "308100005019"];
    expect(row(first)).toEqual([...bank, "12.34", "CNY", "工资"]);
    expect(row(second)).toEqual([...bank, "5.00", "CNY", "付款"]);
    expect(await write()).toEqual(rows);
    for (const payout of [first, second]) {
      expect(await record(payout, { result: "succeeded", reference: "B1" })).toMatchObject({ status: "succeeded" });
    }
  });

  test("is made by many at once, and each payout is in one", async () => {
    const asked = await Promise.all(Array.from({ length: 12 }, (_, index) => ask({ amount: 100 + index })));
    const answers = await Promise.all(Array.from({ length: 6 }, () => makeFile()));
    const files = answers.filter(({ status }) => status === 201).map(({ body }) => body);
    expect(files.reduce((sum, { payouts }) => sum + payouts, 0)).toBe(12);
    for (const payout of asked) await record(payout, { result: "failed", reason: "closed" });
  });

  test("leaves out what is frozen, and fails what was disabled", async () => {
    const frozen = (debit_frozen: boolean) =>
      platform.services.db.transaction((tx) =>
        saveControls(tx, key(), { ...NO_CONTROLS, debit_frozen }, platform.clock.now()),
      );
    const other = await enter(platform, bankAccount("4111111111111111"));
    const [kept, failing] = [await ask(), await platform.post(PATH, payoutBody(other))];
    await frozen(true);
    expect((await makeFile()).body.error.code).toBe("payout_bank_file.nothing");
    await frozen(false);
    await platform.call("POST", `/v1/beneficiaries/${other.id}/disable`);
    expect((await makeFile()).body).toMatchObject({ payouts: 1 });
    expect(await read(failing)).toMatchObject({ status: "failed", failure: { code: "beneficiary_disabled" } });
    await record(kept, { result: "succeeded" });
  });
});

describe("what the bank says", () => {
  test("succeeded: our bank holds that much less, the fee is earned", async () => {
    await set({ fee_fixed_amount: 100n });
    await setTransferCost(
      platform.services,
      { channel_account_id: null, livemode: false, currency: "CNY" },
      {
        fixed_amount: 50n,
      },
    );
    const [before, holds] = [await balance(), await bankHolds()];
    const payout = await ask();
    await makeFile();
    const done = await record(payout, { result: "succeeded", reference: "BANK-77" });
    expect(done).toMatchObject({
      ...{ status: "succeeded", channel_transfer_no: "BANK-77", cost: 50, merchant: expect.stringMatching(/^mch_/) },
      recorded_by: expect.stringMatching(/^usr_/),
    });
    expect(await record(payout, { result: "succeeded" })).toEqual(done);
    expect(await bankHolds()).toBe(holds - 1_284n);
    expect(await balance()).toMatchObject({ available: before.available - 1_334, payout_in_transit: 0 });
    await setTransferCost(platform.services, { channel_account_id: null, livemode: false, currency: "CNY" }, {});
  });

  test("failed gives all back; returned, days later, gives back what was paid, found by the bank's number", async () => {
    await set({ fee_fixed_amount: 100n });
    const before = await balance();
    const [failing, returning] = [await ask(), await ask()];
    await makeFile();
    const failed = await record(failing, { result: "failed", reason: "户名不符" });
    expect(failed).toMatchObject({ status: "failed", failure: { code: "bank_failed", message: "户名不符" } });
    await record(returning, { result: "succeeded" });
    await platform.advance(5 * 86_400_000);
    const returned = await record({ id: returning.transfer_no }, { result: "returned", reason: "账户已销户" });
    expect(returned).toMatchObject({ status: "returned", failure: { message: "账户已销户" } });
    expect((await balance()).available).toBe(before.available - 100);
    expect((await record(returning, { result: "succeeded" })).error.code).toBe("payout.not_of_bank");
    expect((await record(failing, { result: "succeeded" })).error.code).toBe("payout.not_of_bank");
  });

  test("nothing is recorded of what the bank was not told, and only by operators", async () => {
    const payout = await ask();
    expect((await record(payout, { result: "succeeded" })).error.code).toBe("payout.not_of_bank");
    const path = `/operator/v1/payouts/${payout.id}/result`;
    expect((await platform.call("POST", path, { result: "succeeded" })).status).toBe(401);
    expect((await record({ id: "po_00000000000000000000000000" }, { result: "failed" })).error.code).toBe(
      "payout.not_found",
    );
    await platform.call("POST", `${PATH}/${payout.id}/cancel`);
    const merchant = publicId("merchant", platform.merchant.merchant_id);
    const list = await operator.call("GET", `/payouts?merchant=${merchant}&livemode=false&limit=1`);
    expect(list.body.data).toMatchObject([{ id: payout.id, merchant, status: "cancelled" }]);
  });
});

describe("a review", () => {
  const decide = async (payout: Json, decision: "approve" | "reject") => {
    const { data } = (await checker.call("GET", "/approvals?status=pending")).body;
    const approval = data.find((one: Json) => one.details.payout === payout.id);
    return checker.call("POST", `/approvals/${approval.id}/${decision}`, { comment: "seen" });
  };

  test("holds a payout above the merchant's threshold, or the platform's, until an operator has seen it", async () => {
    await set({ review_above: 1_000n });
    const small = await ask({ amount: 1_000 });
    expect(small.status).toBe("pending");
    const large = await ask({ amount: 1_001 });
    expect(large.status).toBe("in_review");
    expect((await decide(large, "approve")).status).toBe(200);
    await platform.settle();
    expect(await read(large)).toMatchObject({ status: "pending", channel: "bank" });

    await set({});
    const policy = { kind: "payout", currency: "CNY", above: 2_000n };
    await setApprovalPolicy(platform.services.approval, policy);
    const other = await ask({ amount: 2_001 });
    expect(other.status).toBe("in_review");
    const before = await balance();
    expect((await decide(other, "reject")).status).toBe(200);
    expect(await read(other)).toMatchObject({
      status: "failed",
      failure: { code: "review_rejected", message: "seen" },
    });
    expect((await balance()).available).toBe(before.available + 2_001);
    await setApprovalPolicy(platform.services.approval, { ...policy, above: null });
    for (const payout of [small, large]) await platform.call("POST", `${PATH}/${payout.id}/cancel`);
  });

  test("is asked for whatever the title says", async () => {
    await set({ review_above: 0n });
    const blank = await ask({ title: "  " });
    expect(blank.status).toBe("in_review");
    await platform.call("POST", `${PATH}/${blank.id}/cancel`);
  });

  test("ends with a payout that is cancelled, or that nobody decides on", async () => {
    await set({ review_above: 0n });
    const before = await balance();
    const [cancelled, forgotten] = [await ask(), await ask()];
    expect((await platform.call("POST", `${PATH}/${cancelled.id}/cancel`)).body.status).toBe("cancelled");
    const { data } = (await checker.call("GET", "/approvals?status=pending")).body;
    expect(data.map((one: Json) => one.details.payout)).toEqual([forgotten.id]);
    await platform.advance(8 * 86_400_000);
    expect(await read(forgotten)).toMatchObject({ status: "failed", failure: { code: "review_expired" } });
    expect(await balance()).toEqual(before);
  });
});
