// Guarantee: two processes at the same part or return in the books, in whatever order they find and write, end it once, and in
// both books alike.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parsePublicId } from "../../server/src/kit/id.ts";
import { requestOperation } from "../../server/src/modules/account-operation/index.ts";
import { findPayment } from "../../server/src/modules/payment/index.ts";
import { createOrder } from "../../server/src/modules/sharing/create-order.ts";
import { createReturn } from "../../server/src/modules/sharing/create-return.ts";
import { driveOrder } from "../../server/src/modules/sharing/drive-order.ts";
import { driveReturn } from "../../server/src/modules/sharing/drive-return.ts";
import { findOrder } from "../../server/src/modules/sharing/read-sharings.ts";
import { nextNumber } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import { addMerchant, balanceOf, orderBody, pay } from "../platform/sharing.ts";

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform();
});

afterAll(async () => {
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

const pendingOf = async (key: string) => (await balanceOf(platform, key))?.pending ?? 0;

describe("two at the same part", () => {
  /** A process that does something before its transaction of that number, counting from 1. */
  function pausing(number: number, meanwhile: () => Promise<void>) {
    const { db, sharing } = platform.services;
    let count = 0;
    const transaction = async <T>(work: Parameters<typeof db.transaction<T>>[0]): Promise<T> => {
      count += 1;
      if (count === number) await meanwhile();
      return db.transaction(work);
    };
    return { ...sharing, db: { ...db, transaction } } as typeof sharing;
  }

  /** A process that dies before that transaction. */
  const dying = (number: number) => pausing(number, () => Promise.reject(new Error("died")));

  /** A return of 8.00 that nobody works on yet, of a receiver whose account may not pay. */
  async function openReturn() {
    const payee = await addMerchant(platform);
    const caller = { ...platform.merchant, livemode: false, key_id: "" };
    const payment = await pay(platform);
    const { id } = await platform.post(
      "/v1/sharing_orders",
      orderBody(payment, [{ receiver: payee.receiver, amount: 800 }]),
    );
    await freeze(payee.merchant.merchant_id, "freeze");
    const order = await findOrder(platform.services.db, caller, id);
    const input = { out_return_no: nextNumber("return"), receiver: payee.receiver, amount: 800n };
    await expect(createReturn(dying(2), caller, order, input, undefined)).rejects.toThrow("died");
    const { data } = await platform.get(`/v1/sharing_orders/${id}/returns`);
    const key = { merchant_id: platform.merchant.merchant_id, id: parsePublicId("sharing_return", data[0].id)! };
    return { payee, key, read: () => platform.get(`/v1/sharing_returns/${data[0].id}`) };
  }

  async function freeze(merchant_id: string, type: "freeze" | "unfreeze"): Promise<void> {
    const { db, account_operation, ids } = platform.services;
    const asked = { merchant_id, livemode: false, currency: "CNY", type, scope: "all", reason: "test" } as const;
    await db.transaction((tx) => requestOperation(tx, account_operation, asked, ids.uuid()));
  }

  test("return: one finds too little, the other takes it before the first has said so; it stands in both books", async () => {
    const { payee, key, read } = await openReturn();
    const slow = pausing(2, async () => {
      await freeze(payee.merchant.merchant_id, "unfreeze");
      await expect(driveReturn(dying(2), key)).rejects.toThrow("died");
    });
    await driveReturn(slow, key);
    expect(await read()).toMatchObject({ status: "succeeded" });
    expect(await pendingOf(payee.merchant.key)).toBe(0);
    expect(await platform.findFaults()).toEqual([]);
  });

  test("return: who comes after it has failed takes nothing more", async () => {
    const { payee, key, read } = await openReturn();
    const late = pausing(1, async () => {
      await driveReturn(platform.services.sharing, key);
      await freeze(payee.merchant.merchant_id, "unfreeze");
    });
    await driveReturn(late, key);
    expect(await read()).toMatchObject({ status: "failed" });
    expect(await pendingOf(payee.merchant.key)).toBe(800);
    expect(await platform.findFaults()).toEqual([]);
  });

  test.each([
    ["one finds the account frozen, the other writes it before the first has said so", 2, "succeeded", 300],
    ["who comes after it has failed gives nothing more", 1, "failed", 0],
  ] as const)("share: %s", async (_, turn, status, pending) => {
    const payee = await addMerchant(platform);
    const payment = await pay(platform);
    const caller = { ...platform.merchant, livemode: false, key_id: "" };
    const found = await findPayment(platform.services, caller, payment.id);
    const input = {
      ...{ out_sharing_no: nextNumber("share"), receivers: [{ receiver: payee.receiver, amount: 300 }] },
      ...{ group: undefined, release: undefined, refund_policy: undefined },
    };
    await expect(createOrder(dying(2), caller, found, input, undefined)).rejects.toThrow("died");
    const { data } = await platform.get(`/v1/sharing_orders?out_sharing_no=${input.out_sharing_no}`);
    const key = { merchant_id: caller.merchant_id, id: parsePublicId("sharing_order", data[0].id)! };
    await freeze(payee.merchant.merchant_id, "freeze");
    const slow = pausing(turn, async () => {
      if (turn === 1) await driveOrder(platform.services.sharing, key);
      await freeze(payee.merchant.merchant_id, "unfreeze");
      if (turn === 2) await expect(driveOrder(dying(2), key)).rejects.toThrow("died");
    });
    await driveOrder(slow, key);
    expect(await platform.get(`/v1/sharing_orders/${data[0].id}`)).toMatchObject({ status });
    expect(await pendingOf(payee.merchant.key)).toBe(pending);
    expect(await platform.findFaults()).toEqual([]);
  });
});
