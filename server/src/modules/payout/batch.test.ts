/**
 * Guarantee: a file of payouts is looked at as a whole before anything moves, and says of each bad line what to do; confirmed,
 * each line is a payout once, by however many workers and whatever happens to one; the same file is one batch.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createSecondApp } from "../../../../test/platform/merchants.ts";
import { alipayAccount, balanceOf, coolAtOnce, enter, fund, payoutBody } from "../../../../test/platform/payouts.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import type { Json } from "../../../../test/platform/sandbox-control.ts";
import { parsePublicId } from "../../kit/id.ts";
import { unreachableStates } from "../../kit/state-machine.ts";
import { NO_CONTROLS } from "../account-operation/control.ts";
import { saveControls } from "../account-operation/control-store.ts";
import { batchTransitions } from "./batch.ts";
import { readBatchFile } from "./batch-file.ts";
import { loadBatch } from "./batch-store.ts";
import { setPayoutSettings } from "./index.ts";
import { DEFAULT_RULES, type PayoutRules } from "./settings.ts";
import { workBatch } from "./work-batch.ts";

const PATH = "/v1/payout_batches";
let platform: Platform;
let person: Json;
let files = 0;

const key = () => ({ merchant_id: platform.merchant.merchant_id, livemode: false, currency: "CNY" });
const set = (rules: Partial<PayoutRules>) =>
  setPayoutSettings(platform.services, key(), { ...DEFAULT_RULES, ...rules });
const upload = (text: string | Buffer, query = "", options: object = {}) =>
  platform.call("POST", `${PATH}${query}`, text, {
    ...options,
    headers: { "content-type": "text/csv" },
  } as never);
const confirm = async ({ id }: Json) => (await platform.call("POST", `${PATH}/${id}/confirm`)).body;
const read = ({ id }: Json) => platform.get(`${PATH}/${id}`);
const lines = async ({ id }: Json, query = "") => (await platform.get(`${PATH}/${id}/lines${query}`)).data as Json[];
/** A good file of so many lines, each of CNY 1.00 and as many fen as its place. */
function makeFile(count: number): string {
  files += 1;
  const rows = Array.from({ length: count }, (_, index) => {
    const fen = String((index % 90) + 10);
    return `F${files}-${index},1.${fen},${person.id},工资`;
  });
  return ["商户出款单号,金额(元),收款人编号,附言", ...rows].join("\r\n");
}
const made = async (count: number) => (await upload(makeFile(count))).body as Json;
const keyOf = ({ id }: Json) => ({ merchant_id: key().merchant_id, id: parsePublicId("payout_batch", id)! });

beforeAll(async () => {
  platform = await startPlatform();
  await coolAtOnce(platform);
  person = await enter(platform, alipayAccount());
}, 60_000);
beforeEach(async () => {
  await set({});
  await fund(platform, 100_000);
});
afterEach(async () => {
  await platform.sandbox.clearFaults();
  await platform.settle();
  expect(await platform.findFaults()).toEqual([]);
});
afterAll(() => platform?.close());

describe("a file", () => {
  test("with headings in either language, in UTF-8 or GBK, with marks of spreadsheet programs, is read by its columns", () => {
    const read = (text: string) => readBatchFile(Buffer.from(text));
    expect(read('\ufeff商户出款单号,金额（元）,收款人\r\n\'0012,"1,234.50",ben_1\t\r\n,,\r\n2,1,ben_2\r\n')).toEqual([
      { line: 2, fields: { number: "0012", amount: "1,234.50", beneficiary: "ben_1" } },
      { line: 4, fields: { number: "2", amount: "1", beneficiary: "ben_2" } },
    ]);
    expect(read("Out_Payout_No;Amount;Beneficiary\na;1.5;b\n")).toEqual([
      { line: 2, fields: { number: "a", amount: "1.5", beneficiary: "b" } },
    ]);
    // 单号,金额,收款人 in GBK.
    const gbk = Buffer.from("b5a5bac52cbdf0b6ee2ccad5bfeec8cb0a612c312c620a", "hex");
    expect(readBatchFile(gbk)).toEqual([{ line: 2, fields: { number: "a", amount: "1", beneficiary: "b" } }]);
  });

  test.each([
    ["", "empty"],
    ["单号,金额,收款人\n", "no lines"],
    ["单号,收款人\na,b\n", "金额"],
    ["单号,金额\na,1\n", "收款人编号"],
    ["单号,金额,收款人,colour\na,1,b,red\n", '"colour" is not known'],
    ["单号,金额,amount,收款人\na,1,1,b\n", "twice"],
    ['单号,金额,收款人\na,"1,b\n', "no CSV"],
    [`单号,金额,收款人\n${"a,1,b\n".repeat(10_001)}`, "10000 are the most"],
  ])("that cannot be read is refused with what to do (%#)", async (text, sentence) => {
    const { status, body } = await upload(text);
    expect([status, body.error.code]).toEqual([400, "payout_batch.unreadable"]);
    expect(body.error.message).toContain(sentence);
  });

  test("with bad lines moves nothing, and says of each line what is wrong and what to do", async () => {
    await set({ single_maximum: 100_00n, day_count_maximum: 1_000 });
    const used = await platform.post("/v1/payouts", payoutBody(person));
    const unverified = await platform.post("/v1/beneficiaries", alipayAccount("2088000000000031"));
    const before = await balanceOf(platform);
    const heading = "单号,金额,收款人,收款方式,账号,户名,银行,附言";
    const text = [
      heading,
      `good-1,1.00,${person.id},,,,,`,
      `,1.00,${person.id},,,,,`,
      `good-1,1.00,${person.id},,,,,`,
      `${used.out_payout_no},1.00,${person.id},,,,,`,
      `b-5,one,${person.id},,,,,`,
      `b-6,0.001,${person.id},,,,,`,
      `b-7,100.01,${person.id},,,,,`,
      "b-8,1.00,ben_00000000000000000000000000,,,,,",
      `b-9,1.00,${unverified.id},,,,,`,
      "b-10,1.00,,支付宝,2088000000000099,,,",
      "b-11,1.00,,银行卡,6222021234567890129,王小明,招商银行,",
      "b-12,1.00,,支票,1,,,",
      "b-13,1.00,,支付宝,2088722003142578,,,",
      `b-14,1.00,${person.id},,,,,${"长".repeat(33)}`,
    ].join("\n");
    const { status, body: batch } = await upload(text, "?file_name=wages.csv");
    expect([status, batch]).toEqual([
      201,
      expect.objectContaining({ status: "invalid", lines: 14, bad_lines: 12, file_name: "wages.csv" }),
    ]);
    const bad = await lines(batch, "?bad=true");
    expect(bad.map(({ line, problems: [{ column }] }) => [line, column])).toEqual([
      ...[
        [3, "number"],
        [4, "number"],
        [5, "number"],
        [6, "amount"],
        [7, "amount"],
        [8, "amount"],
      ],
      ...[
        [9, "beneficiary"],
        [10, "beneficiary"],
        [11, "account"],
        [12, "account"],
        [13, "type"],
        [15, "title"],
      ],
    ]);
    expect(bad[1]!.problems[0].problem).toContain("Line 2");
    expect(JSON.stringify(bad)).not.toContain("6222021234567890129");
    expect((await confirm(batch)).error.code).toBe("payout_batch.wrong_status");
    expect(await balanceOf(platform)).toEqual(before);
    expect((await lines(batch, "?limit=1&after=13")).map(({ line }) => line)).toEqual([14]);
  });

  test("enters accounts by itself where the merchant's rule lets it, once, and they cool first", async () => {
    await coolAtOnce(platform, { verification: "automatic", cooling_s: 3_600 });
    const heading = "单号,金额,收款方式,账号,户名,银行\n";
    const text = `${heading}n-1,1.00,支付宝,2088000000000041,,\nn-2,2.00,支付宝,2088000000000041,,\nn-3,3.00,支付宝,2088000000000042,,\n`;
    const { body: batch } = await upload(text);
    expect(batch).toMatchObject({ status: "ready", transfer_amount: 600 });
    const [first, second, third] = await lines(batch);
    expect([first!.beneficiary === second!.beneficiary, first!.beneficiary === third!.beneficiary]).toEqual([
      true,
      false,
    ]);
    await confirm(batch);
    await platform.settle();
    expect(await read(batch)).toMatchObject({ status: "finished", progress: [{ status: "created", lines: 3 }] });
    await platform.advance(3_600_000);
    expect(await read(batch)).toMatchObject({ progress: [{ status: "succeeded", lines: 3, amount: 600 }] });
    await coolAtOnce(platform, { verification: "operator" });
  });
});

describe("a batch", () => {
  test("is made into payouts when it is confirmed, and read until it is finished", async () => {
    await set({ fee_fixed_amount: 10n });
    const before = await balanceOf(platform);
    const batch = await made(30);
    expect(batch).toMatchObject({ object: "payout_batch", status: "ready", lines: 30, bad_lines: 0, fee: 300 });
    expect(await balanceOf(platform)).toEqual(before);
    expect(await confirm(batch)).toMatchObject({ status: "confirmed", progress: [{ status: "waiting", lines: 30 }] });
    await platform.settle();
    const finished = await read(batch);
    const { transfer_amount: amount } = batch;
    expect(finished).toMatchObject({ status: "finished", progress: [{ status: "succeeded", lines: 30, amount }] });
    expect((await balanceOf(platform)).available).toBe(before.available - amount - 300);
    const [payout] = (await platform.get(`/v1/payouts?batch=${batch.id}&limit=1`)).data;
    expect(payout).toMatchObject({ batch: batch.id, status: "succeeded", title: "工资", fee: 10 });
    expect(await confirm(batch)).toEqual(finished);
  });

  test("of the same file is the same batch, also uploaded and confirmed by many at once", async () => {
    const file = makeFile(5);
    const uploads = await Promise.all(Array.from({ length: 6 }, () => upload(file)));
    expect(uploads.map(({ status }) => status).sort()).toEqual([...Array(5).fill(200), 201]);
    expect(new Set(uploads.map(({ body }) => body.id)).size).toBe(1);
    const batch = uploads[0]!.body;
    const before = await balanceOf(platform);
    await Promise.all(Array.from({ length: 6 }, () => confirm(batch)));
    await platform.settle();
    expect((await balanceOf(platform)).available).toBe(before.available - batch.transfer_amount);
    expect((await upload(file)).body).toMatchObject({ id: batch.id, status: "finished" });
  });

  test("that was cancelled moves nothing, and its file may be uploaded anew", async () => {
    const file = makeFile(3);
    const { body: batch } = await upload(file);
    expect((await platform.call("POST", `${PATH}/${batch.id}/cancel`)).body.status).toBe("cancelled");
    expect((await confirm(batch)).error.code).toBe("payout_batch.wrong_status");
    const again = await upload(file);
    expect([again.status, again.body.id === batch.id]).toEqual([201, false]);
  });

  test("that what is available does not cover is refused as a whole; a book that may not pay out makes it wait", async () => {
    const { available } = await balanceOf(platform);
    const half = (available / 200 + 1).toFixed(2);
    const text = `单号,金额,收款人\nh-1,${half},${person.id}\nh-2,${half},${person.id}\n`;
    const { body: batch } = await upload(text);
    expect((await confirm(batch)).error.code).toBe("payout.insufficient_balance");
    const other = await made(2);
    await confirm(other);
    const freeze = (debit_frozen: boolean) =>
      platform.services.db.transaction((tx) =>
        saveControls(tx, key(), { ...NO_CONTROLS, debit_frozen }, platform.clock.now()),
      );
    await freeze(true);
    await platform.settle();
    expect(await read(other)).toMatchObject({ status: "confirmed", progress: [{ status: "waiting", lines: 2 }] });
    await freeze(false);
    await platform.advance(600_000);
    expect(await read(other)).toMatchObject({ status: "finished", progress: [{ status: "succeeded", lines: 2 }] });
  });

  test("is partly done where lines are refused later: their numbers were used, their beneficiaries disabled", async () => {
    const other = await enter(platform, alipayAccount("2088000000000051"));
    const text = `单号,金额,收款人\np-1,1.00,${person.id}\np-2,1.00,${other.id}\np-3,1.00,${person.id}\n`;
    const { body: batch } = await upload(text);
    await platform.post("/v1/payouts", payoutBody(person, { out_payout_no: "p-3" }));
    await platform.call("POST", `/v1/beneficiaries/${other.id}/disable`);
    await confirm(batch);
    await platform.settle();
    expect((await read(batch)).progress).toEqual([
      { status: "refused", lines: 2, amount: 0 },
      { status: "succeeded", lines: 1, amount: 100 },
    ]);
    expect((await lines(batch, "?bad=true")).map(({ line, failure }) => [line, failure.code])).toEqual([
      [3, "payout.beneficiary_not_payable"],
      [4, "payout.out_payout_no_conflict"],
    ]);
  });

  test("is its app's", async () => {
    const batch = await made(1);
    const { key: other } = await createSecondApp(platform.services, key().merchant_id);
    for (const path of ["", "/lines"]) {
      const answer = await platform.call("GET", `${PATH}/${batch.id}${path}`, undefined, { key: other });
      expect(answer.body.error.code).toBe("payout_batch.not_found");
    }
    expect((await platform.get(PATH, { key: other })).data).toEqual([]);
    expect((await platform.get(`${PATH}?limit=1`)).data).toEqual([{ ...batch, progress: [] }]);
  });
});

describe("never twice", () => {
  test("twenty workers on the same batch: each line is a payout once, each payout is paid once", async () => {
    const batch = await made(600);
    await confirm(batch);
    const row = (await loadBatch(platform.services.db, keyOf(batch)))!;
    const second = await platform.startSecond();
    const workers = Array.from({ length: 20 }, (_, index) =>
      workBatch(index % 2 ? platform.services.payout : second.services.payout, row),
    );
    const loops = [...platform.services.workers, ...second.services.workers];
    await Promise.all([...workers, ...loops.map((loop) => loop.drain())]);
    await platform.settle();
    await platform.advance(120_000);
    const { transfer_amount: amount } = batch;
    expect(await read(batch)).toMatchObject({
      status: "finished",
      progress: [{ status: "succeeded", lines: 600, amount }],
    });
  }, 120_000);

  test("a worker that dies in the middle of a turn leaves nothing of it; the next one does it", async () => {
    const batch = await made(20);
    const before = await balanceOf(platform);
    await confirm(batch);
    const { services } = platform;
    const row = (await loadBatch(services.db, keyOf(batch)))!;
    const dying = {
      ...services.payout,
      db: {
        ...services.db,
        transaction: <T>(work: Parameters<typeof services.db.transaction<T>>[0]) =>
          services.db.transaction<T>(async (tx) => {
            await work(tx);
            throw new Error("killed before the commit");
          }),
      },
    };
    await expect(workBatch(dying, row)).rejects.toThrow("killed");
    expect(await balanceOf(platform)).toEqual(before);
    await platform.settle();
    expect(await read(batch)).toMatchObject({ status: "finished", progress: [{ status: "succeeded", lines: 20 }] });
  });

  test("answers that are lost after their effect: each is paid once", async () => {
    await platform.sandbox.fault("alipay", "transfer", "timeout_after", { times: 5 });
    await platform.sandbox.fault("alipay", "transfer", "timeout_before", { times: 5 });
    const before = await balanceOf(platform);
    const batch = await made(20);
    await confirm(batch);
    await platform.settle();
    await platform.advance(60_000);
    await platform.advance(600_000);
    expect(await read(batch)).toMatchObject({ progress: [{ status: "succeeded", lines: 20 }] });
    expect((await balanceOf(platform)).available).toBe(before.available - batch.transfer_amount);
  });
});

test("the state table is sound", () => {
  expect(unreachableStates(batchTransitions, "ready")).toEqual(["invalid"]);
});
