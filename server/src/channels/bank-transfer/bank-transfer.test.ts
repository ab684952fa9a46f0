/**
 * Guarantees: a reference is found again however it is typed and never taken for another by one slip; an account is
 * refused with the field at fault; a statement says the same after writing and reading, and any change of it is refused.
 */
import fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { expect, it } from "vitest";
import { createManualClock, systemClock } from "../../kit/clock.ts";
import { money } from "../../kit/money.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { changeAccount, context, createObservedCallers, makeNumber, makePayInput } from "../conformance/harness.ts";
import { describeCoverage } from "../conformance/index.ts";
import type { ChannelAccount, Statement } from "../contract.ts";
import { bankTransfer } from "./index.ts";
import { readOrderNo, referenceOf } from "./reference.ts";

const KEY = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const account: ChannelAccount = {
  ...{ id: "bank", version: 1, livemode: false },
  config: { bank_name: "Bank", account_name: "Shop", account_number: "755900000010001", currency: "CNY" },
  secrets: { statement_key: new Secret(KEY) },
};

it("finds a reference however it is typed, by its order's number too, and never after one slip", () => {
  const serial = fc.nat().map(() => makeNumber());
  const characters = [..."23456789ABCDEFGHJKMNPQRSTUVWXYZ"];
  fc.assert(
    fc.property(serial, fc.nat(8), fc.constantFrom(...characters), fc.nat(7), (serial_no, at, other, swap) => {
      const reference = referenceOf(serial_no);
      const plain = reference.replaceAll("-", "");
      for (const text of [reference, plain.toLowerCase(), ` ${reference.replaceAll("-", " ")} `, serial_no]) {
        expect(readOrderNo(text)).toBe(reference);
      }
      const slip = plain.slice(0, at) + other + plain.slice(at + 1);
      expect(readOrderNo(slip)).toBe(slip === plain ? reference : undefined);
      const swapped = plain.slice(0, swap) + plain[swap + 1]! + plain[swap]! + plain.slice(swap + 2);
      expect(readOrderNo(swapped)).toBe(swapped === plain ? reference : undefined);
    }),
  );
});

it("has no two references among a hundred thousand orders", () => {
  // The same orders each time: of other ones two may share a reference, once in some hundred runs.
  const references = new Set(Array.from({ length: 100_000 }, (_, index) => referenceOf(`${index}`.padStart(26, "0"))));
  expect(references.size).toBe(100_000);
});

it("names the field at fault, and shows nothing of the key", () => {
  expect(bankTransfer.checkAccount(account, systemClock)).toEqual([]);
  const cases: [Parameters<typeof changeAccount>[1], RegExp][] = [
    [{ config: { account_number: "7559 0000" } }, /account_number/],
    [{ config: { currency: "XYZ" } }, /currency is XYZ/],
    [{ config: { iban: "1" } }, /config/],
    [{ secrets: { statement_key: new Secret("whsec_c2hvcnQ=") } }, /statement_key must be/],
    [{ secrets: { statement_key: new Secret(Buffer.alloc(32, 7).toString("base64")) } }, /statement_key must be/],
  ];
  for (const [change, sentence] of cases) {
    const problems = bankTransfer.checkAccount(changeAccount(account, change), systemClock).join("; ");
    expect(problems).toMatch(sentence);
    expect(problems).not.toContain("c2hvcnQ");
  }
});

const received: Statement = {
  kind: "received",
  serial_no: makeNumber(),
  amount: money(123_45n, "CNY"),
  channel_trade_no: "招行 0001",
  at: Date.UTC(2026, 10, 20),
};

it("writes statements that an independent library verifies, and reads back what was said", async () => {
  const { kind: _, at: paid_at, ...facts } = received;
  const notice = bankTransfer.statements!.write(context(account), received);
  expect(() => new Webhook(KEY).verify(notice.body, notice.headers as Record<string, string>)).not.toThrow();
  expect(await bankTransfer.readNotice(context(account), notice)).toEqual({
    kind: "payment_succeeded",
    payment: { ...facts, paid_at, merchant: "755900000010001", app: undefined, payer: undefined },
  });
});

it("refuses a statement of which any one byte is changed, an old one, and one of another account's key", async () => {
  const notice = bankTransfer.statements!.write(context(account), received);
  const flip = fc.tuple(fc.nat(notice.body.length - 1), fc.integer({ min: 1, max: 255 }));
  await fc.assert(
    fc.asyncProperty(flip, async ([at, mask]) => {
      const body = Buffer.from(notice.body);
      body[at] = body[at]! ^ mask;
      expect((await bankTransfer.readNotice(context(account), { ...notice, body })).kind).toBe("rejected");
    }),
  );
  const later = { account, clock: createManualClock(systemClock.now() + 301_000), random: systemRandom };
  expect(await bankTransfer.readNotice(later, notice)).toMatchObject({
    detail: expect.stringContaining("five minutes"),
  });
  const other = changeAccount(account, { secrets: { statement_key: new Secret(`whsec_${"A".repeat(43)}=`) } });
  expect(await bankTransfer.readNotice(context(other), notice)).toMatchObject({ kind: "rejected" });
  expect(await bankTransfer.readNotice(context(account), { headers: {}, body: notice.body })).toMatchObject({
    kind: "rejected",
  });
});

it("shows the same account and reference when it is asked for again, and refuses another currency", async () => {
  const { caller } = createObservedCallers();
  const order = makePayInput("bank.transfer", "https://shop.example/n");
  const first = await caller.pay(bankTransfer, account, order);
  expect(first).toMatchObject({ kind: "pending", channel_order_no: referenceOf(order.serial_no) });
  expect(await caller.pay(bankTransfer, account, order)).toEqual(first);
  const foreign = { ...order, amount: money(1n, "USD") };
  const refused = { kind: "failed", failure: { code: "CURRENCY_NOT_OF_ACCOUNT", elsewhere: true } };
  expect(await caller.pay(bankTransfer, account, foreign)).toMatchObject(refused);
  await caller.end();
});

it("believes a statement of a key that was replaced a short time ago, and of no other", async () => {
  const { caller } = createObservedCallers();
  const notice = bankTransfer.statements!.write(context(account), received);
  const renewed = changeAccount(account, { secrets: { statement_key: new Secret(`whsec_${"B".repeat(43)}=`) } });
  expect((await caller.readNotice(bankTransfer, renewed, notice)).kind).toBe("rejected");
  const overlapping = { ...renewed, previous: [account] };
  expect((await caller.readNotice(bankTransfer, overlapping, notice)).kind).toBe("payment_succeeded");
  await caller.end();
});

describeCoverage(bankTransfer);
