// Guarantee: every fee is in one invoice, whatever happens in whatever order; invoices sum to the fen to what became due,
// are paid once, in each of the three ways; and verification finds each way in which they and the books can differ.
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { terminalStates, unreachableStates } from "../../kit/state-machine.ts";
import { run } from "../../ledger/testing/books.ts";
import { verifySnapshot } from "../../ledger/verify/verify.ts";
import { runFrom } from "./billing.ts";
import { type Invoice, invoiceTransitions } from "./invoice.ts";
import { listFeePayments } from "./invoice-store.ts";
import { billNow } from "./make-invoice.ts";
import { issueInvoice, recordBankPayment, voidInvoice } from "./manage-invoice.ts";
import { readItemPages, readItems } from "./read-invoice.ts";
import { claimRuns } from "./store.ts";
import {
  advance,
  bill,
  books,
  clock,
  DAY_MS,
  drain,
  events,
  expectClean,
  HOUR_MS,
  invoices,
  key,
  makeAvailable,
  openBilledBooks,
  type PaidPayment,
  pay,
  refund,
  services,
  standing,
  startMerchant,
  startTest,
  topUp,
  wholePage,
} from "./testing/books.ts";

beforeAll(openBilledBooks);
beforeEach(startTest);
afterAll(() => books.close());

const receive = (invoice: Invoice, amount: bigint, reference = `transfer-${amount}`) =>
  books.db.transaction((tx) => recordBankPayment(services, tx, invoice, { amount, reference, made_by: null }));

test("the state table is sound", () => {
  expect(unreachableStates(invoiceTransitions, "open")).toEqual([]);
  expect(terminalStates(invoiceTransitions)).toEqual(["paid", "void"]);
});

type Step = {
  kind: "pay" | "refund" | "failed_refund" | "day" | "bill" | "receive" | "void" | "top_up";
  amount: bigint;
};

test("whatever happens in whatever order, invoices and their items sum to what became due", async () => {
  const steps = fc.array(
    fc.record({
      kind: fc.constantFrom<Step["kind"]>(
        ...(["pay", "pay", "pay", "refund", "failed_refund", "day", "bill", "receive", "void", "top_up"] as const),
      ),
      amount: fc.bigInt({ min: 1n, max: 50_000n }),
    }),
    { minLength: 8, maxLength: 30 },
  );
  const ways = fc.constantFrom("bank", "prepaid", "available");
  await fc.assert(
    fc.asyncProperty(steps, ways, fc.constantFrom("daily", "on_request"), async (list, collection, cycle) => {
      await startTest();
      await bill({ cycle, collection } as never);
      const payments: PaidPayment[] = [];
      for (const step of list) await take(step, payments);
      await checkSums();
    }),
    { numRuns: 15 },
  );
  await expectClean();
}, 180_000);

async function take({ kind, amount }: Step, payments: PaidPayment[]): Promise<void> {
  clock.advance(HOUR_MS);
  const unpaid = (await invoices()).filter(({ status }) => ["issued", "partly_paid", "overdue"].includes(status));
  const [invoice] = unpaid;
  const payment = payments[Number(amount) % Math.max(1, payments.length)];
  switch (kind) {
    case "pay":
      payments.push(await pay(amount));
      return;
    case "refund":
    case "failed_refund":
      if (payment) await refund(payment, kind === "refund" ? "unknown" : "failed");
      if (kind === "refund") payments.splice(payments.indexOf(payment!), 1);
      return;
    case "day":
      return advance(DAY_MS);
    case "bill":
      await billNow(services, key);
      return;
    case "receive": {
      const due = invoice ? invoice.amount - invoice.paid_amount : 0n;
      if (invoice) await receive(invoice, amount < due ? amount : due, `${invoice.paid_amount}-${amount}`);
      return;
    }
    case "void": {
      const untouched = unpaid.find(({ paid_amount }) => paid_amount === 0n);
      if (untouched) await voidInvoice(services, untouched, "by mistake");
      return;
    }
    case "top_up":
      await topUp(amount);
      return drain();
  }
}

/** Each invoice is its items; all that are not void, with what is not invoiced yet, are what is due and what was paid. */
async function checkSums(): Promise<void> {
  await billNow(services, key);
  const made = await invoices();
  let paid = 0n;
  for (const invoice of made) {
    const items = await readItems(books.db, invoice, wholePage);
    const fees = items.reduce((sum, { change }) => sum + change.fee, 0n);
    expect(fees + invoice.brought_forward).toBe(invoice.amount);
    const payments = await listFeePayments(books.db, invoice);
    const sum = payments.reduce((total, one) => total + one.amount, 0n);
    expect(sum).toBe(invoice.paid_amount);
    paid += sum;
  }
  const last = made.at(-1);
  const [rest] = await run<{ sum: bigint }>(
    books.db,
    `select coalesce(sum(amount), 0)::bigint as sum from ledger_entries
     where merchant_id = $1 and account_kind = 'service_fee_receivable' and number > $2
       and transaction_kind::text not like 'service_fee_%'`,
    [key.merchant_id, last?.last_number ?? 0n],
  );
  const unbroughtVoids = made.filter(({ status, taken_up_by }) => status === "void" && taken_up_by === null);
  const open = [...made.filter(({ status }) => status !== "void"), ...unbroughtVoids];
  const invoiced = open.reduce((sum, { amount }) => sum + amount, 0n);
  expect((await standing()).due).toBe(invoiced + rest!.sum - paid);
}

describe("an invoice", () => {
  test("is of a month by the merchant's clock, made on the first, and lists what it is about", async () => {
    await bill({ cycle: "monthly", due_days: 10 });
    const first = await pay(10_000n);
    await refund(first);
    await pay(20_000n);
    const next = runFrom("monthly", clock.now(), "Asia/Shanghai")!;
    expect([next.day.slice(8), next.cut_off_at % DAY_MS]).toEqual(["01", 16 * HOUR_MS]);
    // Until just before midnight of the month's last day in Shanghai.
    await advance(next.cut_off_at - 1_000 - clock.now());
    await pay(5_000n);
    await advance(2_000);
    await pay(40_000n);
    await advance(3 * HOUR_MS);
    const [invoice, ...others] = await invoices();
    expect(others).toEqual([]);
    expect(invoice).toMatchObject({
      ...{ status: "issued", amount: 300n, fee_amount: 350n, returned_amount: -50n, payment_count: 3n },
      ...{ payment_amount: 35_000n, refund_count: 1n, refund_amount: -5_000n, brought_forward: 0n, period_from: null },
      cut_off_at: next.cut_off_at,
      // The end of the eleventh.
      pay_by: next.cut_off_at + 11 * DAY_MS,
    });
    const items = await readItems(books.db, invoice!, wholePage);
    expect(items.map(({ change }) => change.fee)).toEqual([100n, -50n, 200n, 50n]);
    expect(items.map(({ numbers }) => numbers?.payment_id)).toContain(first.payment_id);
    const exported: unknown[] = [];
    for await (const page of readItemPages(books.db, invoice!)) exported.push(...page);
    expect(exported).toEqual(items);
    expect(await events()).toEqual(["service_fee_invoice.issued"]);
    await expectClean();
  });

  test("waits where more came back than was charged, and the next one counts it", async () => {
    await bill();
    const before = await pay(30_000n);
    await advance(DAY_MS);
    await refund(before);
    await pay(10_000n);
    await advance(DAY_MS);
    expect(await invoices()).toHaveLength(1);
    await pay(10_000n);
    await advance(DAY_MS);
    expect((await invoices())[1]).toMatchObject({ amount: 50n, fee_amount: 200n, returned_amount: -150n });
    await expectClean();
  });

  test("is made once, however many workers look, and days that an outage left out are made up for", async () => {
    await bill();
    for (let day = 0; day < 3; day += 1) {
      await pay(10_000n);
      clock.advance(DAY_MS);
    }
    await Promise.all(Array.from({ length: 20 }, () => drain()));
    const made = await invoices();
    expect(made.map(({ amount }) => amount)).toEqual([100n, 100n, 100n]);
    expect(new Set(made.map(({ cut_off_at }) => cut_off_at % DAY_MS))).toEqual(new Set([16 * HOUR_MS]));
    await expectClean();
  });

  test("that a worker died over is made by another when the lease has run out, once", async () => {
    await bill({ collection: "prepaid" });
    await topUp(1_000n);
    await pay(10_000n);
    clock.advance(DAY_MS);
    const lease = clock.now() + 300_000;
    expect(await claimRuns(books.db, clock.now(), lease, 10)).toHaveLength(1);
    await drain();
    expect(await invoices()).toEqual([]);
    await advance(300_000);
    expect(await invoices()).toMatchObject([{ status: "paid", amount: 100n }]);
    await advance(HOUR_MS);
    expect(await invoices()).toHaveLength(1);
    await expectClean();
  });

  test("waits for an operator where it is issued by hand", async () => {
    await bill({ issue: "manual", collection: "prepaid" });
    await topUp(1_000n);
    await pay(10_000n);
    await advance(DAY_MS);
    const [open] = await invoices();
    expect(open).toMatchObject({ status: "open", issued_at: null, paid_amount: 0n });
    await expect(receive(open!, 1n)).rejects.toMatchObject({ code: "service_fee.invoice_state" });
    expect(await issueInvoice(services, open!)).toMatchObject({ status: "paid", paid_amount: 100n });
    await expect(issueInvoice(services, open!)).rejects.toMatchObject({ code: "service_fee.invoice_state" });
    await expectClean();
  });

  test("that is void is brought forward by the next", async () => {
    await bill();
    await pay(10_000n);
    await advance(DAY_MS);
    const [first] = await invoices();
    await voidInvoice(services, first!, "wrong address");
    await pay(5_000n);
    await advance(DAY_MS);
    const [voided, next] = await invoices();
    expect(voided).toMatchObject({ status: "void", taken_up_by: next!.id, void_reason: "wrong address" });
    expect(next).toMatchObject({ amount: 150n, brought_forward: 100n, fee_amount: 50n });
    await receive(next!, 1n);
    await expect(voidInvoice(services, next!, "again")).rejects.toMatchObject({ code: "service_fee.invoice_state" });
    await expectClean();
  });
});

describe("paying", () => {
  test("by transfer, in parts, once for each reference, and never more than is due", async () => {
    await bill({ due_days: 1 });
    await pay(10_000n);
    await advance(DAY_MS);
    const [invoice] = await invoices();
    expect(await receive(invoice!, 40n, "a")).toMatchObject({ status: "partly_paid", paid_amount: 40n });
    expect(await receive(invoice!, 40n, "a")).toMatchObject({ status: "partly_paid", paid_amount: 40n });
    await expect(receive(invoice!, 41n, "a")).rejects.toMatchObject({ code: "service_fee.reference_used" });
    await expect(receive(invoice!, 61n, "b")).rejects.toMatchObject({ code: "service_fee.amount_exceeds_due" });
    await advance(2 * DAY_MS);
    expect((await invoices())[0]).toMatchObject({ status: "overdue" });
    clock.advance(1);
    expect(await receive(invoice!, 10n, "c")).toMatchObject({ status: "overdue", paid_amount: 50n });
    expect(await receive(invoice!, 50n, "d")).toMatchObject({ status: "paid", paid_at: clock.now() });
    expect(await standing()).toEqual({ prepaid: 0n, due: 0n });
    expect(await events()).toEqual([
      "service_fee_invoice.issued",
      "service_fee_invoice.overdue",
      "service_fee_invoice.paid",
    ]);
    await expectClean();
  });

  test("twenty operators recording the same transfer book it once", async () => {
    await bill();
    await pay(10_000n);
    await advance(DAY_MS);
    const [invoice] = await invoices();
    await Promise.all(Array.from({ length: 20 }, () => receive(invoice!, 30n, "same")));
    expect((await invoices())[0]).toMatchObject({ paid_amount: 30n });
    const parts = Array.from({ length: 20 }, (_, index) =>
      receive(invoice!, 30n, `other-${index}`).catch(() => "refused"),
    );
    expect((await Promise.all(parts)).filter((one) => one === "refused")).toHaveLength(18);
    expect((await invoices())[0]).toMatchObject({ paid_amount: 90n });
    await expectClean();
  });

  test("out of the prepaid balance as far as it goes, and the rest when more is paid in", async () => {
    await bill({ collection: "prepaid" });
    await topUp(60n);
    await pay(10_000n);
    await advance(DAY_MS);
    expect((await invoices())[0]).toMatchObject({ status: "partly_paid", paid_amount: 60n });
    expect(await standing()).toEqual({ prepaid: 0n, due: 40n });
    await topUp(100n);
    await drain();
    expect((await invoices())[0]).toMatchObject({ status: "paid" });
    expect(await standing()).toEqual({ prepaid: 60n, due: 0n });
    await expectClean();
  });

  test("out of what is available of pooled money, hourly until it is paid", async () => {
    await bill({ collection: "available" });
    await pay(10_000n);
    await advance(DAY_MS);
    expect((await invoices())[0]).toMatchObject({ status: "issued" });
    await makeAvailable(70n);
    await advance(HOUR_MS);
    expect((await invoices())[0]).toMatchObject({ status: "partly_paid", paid_amount: 70n });
    await makeAvailable(70n);
    await advance(HOUR_MS);
    expect((await invoices())[0]).toMatchObject({ status: "paid" });
    expect((await listFeePayments(books.db, (await invoices())[0]!)).map(({ source }) => source)).toEqual([
      "available",
      "available",
    ]);
    await expectClean();
  });

  test("a frozen account is left alone until it is free again", async () => {
    await bill({ collection: "available" });
    await makeAvailable(500n);
    const freeze = (frozen: boolean) =>
      run(
        books.db,
        `insert into account_controls (merchant_id, livemode, currency, debit_frozen, updated_at) values ($1, $2, $3, $4, now())
         on conflict (merchant_id, livemode, currency) do update set debit_frozen = excluded.debit_frozen`,
        [key.merchant_id, key.livemode, key.currency, frozen],
      );
    await freeze(true);
    await pay(10_000n);
    await advance(DAY_MS);
    expect((await invoices())[0]).toMatchObject({ status: "issued", paid_amount: 0n });
    await freeze(false);
    await advance(HOUR_MS);
    expect((await invoices())[0]).toMatchObject({ status: "paid" });
    await expectClean();
  });
});

describe("verification", () => {
  const corruptions: [string, string, string[]][] = [
    [
      "an amount",
      "update service_fee_invoices set amount = amount + 1, fee_amount = fee_amount + 1",
      ["wrong_invoice"],
    ],
    ["a range", "update service_fee_invoices set first_number = first_number + 1", ["wrong_range"]],
    ["what is paid", "update service_fee_invoices set paid_amount = paid_amount - 1", ["wrong_invoice"]],
    ["a payment", "delete from service_fee_payments", ["unexpected_posting", "wrong_invoice"]],
    ["a payment's amount", "update service_fee_payments set amount = amount + 1", ["wrong_invoice", "wrong_posting"]],
    ["a deposit", "delete from service_fee_deposits", ["unexpected_posting"]],
    ["a deposit's amount", "update service_fee_deposits set amount = amount - 1", ["wrong_posting"]],
    ["a deposit's kind", "update service_fee_deposits set kind = 'return'", ["missing_posting", "unexpected_posting"]],
  ];

  test.each(corruptions)("finds a change of %s", async (_what, change, codes) => {
    await bill({ collection: "prepaid" });
    await topUp(60n);
    await pay(10_000n);
    await advance(DAY_MS);
    const undo = new Error("rolled back on purpose");
    const work = books.db.transaction(async (tx) => {
      await run(tx, `${change} where merchant_id = '${key.merchant_id}'`);
      const { differences } = await verifySnapshot(tx);
      const own = differences.filter(({ merchant_id }) => merchant_id === key.merchant_id);
      expect([...new Set(own.map(({ code }) => code))].sort()).toEqual(codes);
      throw undo;
    });
    await expect(work).rejects.toBe(undo);
  });
});

test("nobody is billed twice in two currencies or modes: each is a book of its own", async () => {
  await startMerchant();
  await bill();
  await bill({ livemode: false });
  await pay(10_000n);
  await pay(30_000n, { livemode: false });
  await advance(DAY_MS);
  expect((await invoices()).map(({ amount }) => amount)).toEqual([100n]);
  expect((await invoices({ ...key, livemode: false })).map(({ amount }) => amount)).toEqual([300n]);
  await expectClean();
});
