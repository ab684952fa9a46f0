// Guarantee: every template of the folder, whoever adds it, balances in every currency, says a kind that exists, and is
// restored by its reversal, in lines and in a real book. A template that is not described here fails this file.
import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Account } from "../accounts.ts";
import { getBalances, setMinimum } from "../balances.ts";
import { post } from "../post.ts";
import { changeOf, findImbalance, type NewPosting, swapSides, transactionKinds } from "../posting.ts";
import { reverse } from "../reverse.ts";
import { openTestBooks, type TestBooks } from "../testing/books.ts";
import type { BookedRefund } from "./refund.ts";

/** What a template may be given: any facts of its kind, whose parts are never above their whole. */
type Facts = fc.Arbitrary<unknown>;

const uuids = fc.uuid({ version: 7 });
const currencies = fc.constantFrom("CNY", "USD", "JPY", "KWD");
const amounts = fc.oneof(fc.bigInt({ min: 1n, max: 100n }), fc.bigInt({ min: 1n, max: 10n ** 15n }));
const shares = fc.bigInt({ min: 0n, max: 10n ** 15n });
const money = fc.record({ amount: amounts, currency: currencies });
const modes = fc.constantFrom("pooled", "direct");
/** Beside `amount`, which is above zero, and `occurred_at`. */
const head = { merchant_id: uuids, livemode: fc.boolean(), amount: money, occurred_at: fc.constant(0) };

/** Two agents who share in a fee. */
const agents = fc.tuple(uuids, uuids);
const commissions = ([first, second]: [string, string], fee: bigint) => [
  { agent_id: first, amount: fee / 3n },
  { agent_id: second, amount: fee / 2n },
];

const paid = fc
  .record({
    ...{ ...head, attempt_id: uuids, channel_account_id: uuids, funding_mode: modes },
    ...{ fee: shares, cost: shares, agents },
  })
  .map((p) => {
    const fee = p.fee % (p.amount.amount + 1n);
    return { ...p, fee, cost: p.cost % (p.amount.amount + 1n), commissions: commissions(p.agents, fee) };
  });

const refunded = fc
  .record({
    ...{ ...head, refund_id: uuids, channel_account_id: uuids, funding_mode: modes },
    ...{ fee: shares, cost: shares, from_available: shares, from_reserve: shares, from_receivers: shares, agents },
  })
  .map((r) => {
    const fee = r.fee % (r.amount.amount + 1n);
    const owed = r.funding_mode === "pooled" ? r.amount.amount - fee : 0n;
    const from_available = r.from_available % (owed + 1n);
    const from_reserve = r.from_reserve % (owed - from_available + 1n);
    // Something of it is always the merchant's or ours to pay.
    const rest = r.amount.amount - fee - from_available - from_reserve;
    const from_receivers = rest > 0n ? r.from_receivers % rest : 0n;
    const cost = r.cost % (r.amount.amount + 1n);
    const parts = { fee, cost, from_available, from_reserve, from_receivers, commissions: commissions(r.agents, fee) };
    return { ...r, ...parts } as BookedRefund;
  });

const operated = fc.record({ ...head, operation_id: uuids, account: fc.constantFrom("pending", "available") });
const adjusted = fc.record({
  ...{ ...head, operation_id: uuids, account: fc.constantFrom("pending", "available") },
  direction: fc.constantFrom("credit", "debit"),
});

const paidOut = fc.record({
  ...{ ...head, payout_id: uuids, channel_account_id: fc.option(uuids), fee_returns: fc.boolean() },
  ...{ fee: shares, cost: shares },
});
const reconciled = fc
  .record({
    ...{ ...head, posting_id: uuids, channel_account_id: uuids, is_negative: fc.boolean() },
    kind: fc.constantFrom(
      ...["channel_settled", "channel_fee_adjusted", "difference_suspended"],
      ...["difference_recovered", "difference_written_off", "difference_adjusted"],
    ),
  })
  .map(({ is_negative, amount, ...p }) => ({
    ...p,
    amount: { ...amount, amount: is_negative ? -amount.amount : amount.amount },
  }));

const shared = fc
  .record({
    ...{ ...head, part_id: uuids, channel_account_id: uuids, funding_mode: modes },
    ...{ mode: fc.constantFrom("channel", "books"), from_available: shares },
  })
  .map((s) => ({ ...s, from_available: s.from_available % (s.amount.amount + 1n) }));

const givenBack = fc
  .record({
    ...{ ...head, return_id: uuids, channel_account_id: uuids, funding_mode: modes },
    ...{ mode: fc.constantFrom("channel", "books"), from_available: shares },
  })
  .map((r) => ({ ...r, from_available: r.from_available % (r.amount.amount + 1n) }));

/** Each template by its name, and what it takes. Whoever adds a template adds a line. */
const factsOf: Readonly<Record<string, Facts>> = {
  paymentPosting: paid,
  duplicatePaymentPosting: paid,
  refundInitiatedPosting: refunded,
  refundSucceededPosting: refunded,
  refundFailedPosting: refunded,
  duplicateRefundPosting: refunded,
  reserveReleasedPosting: fc.record({ ...head, release_id: uuids }),
  fundsFrozenPosting: operated,
  fundsReleasedPosting: operated,
  adjustmentPosting: adjusted,
  reconciliationPosting: reconciled,
  settlementPosting: fc
    .record({ ...head, settlement_id: uuids, reserved: shares })
    .map((s) => ({ ...s, reserved: s.reserved % (s.amount.amount + 1n) })),
  payoutInitiatedPosting: paidOut,
  payoutSucceededPosting: paidOut,
  payoutFailedPosting: paidOut,
  payoutCancelledPosting: paidOut,
  payoutReturnedPosting: paidOut,
  commissionSettledPosting: fc
    .record({ ...head, part_id: uuids, agent_id: uuids, negative: fc.boolean() })
    .map(({ negative, ...s }) => ({
      ...s,
      amount: { ...s.amount, amount: negative ? -s.amount.amount : s.amount.amount },
    })),
  commissionReceivedPosting: fc
    .record({
      ...head,
      settlement_id: uuids,
      negative: fc.boolean(),
      brought: fc.bigInt({ min: -1_000n, max: 1_000n }),
      held: fc.boolean(),
    })
    .map(({ negative, brought, held, amount, ...s }) => {
      const total = { ...amount, amount: negative ? -amount.amount : amount.amount };
      const sum = brought + total.amount;
      return { ...s, total, brought_forward: brought, carried_forward: held || sum < 0n ? sum : 0n };
    }),
  sharingInitiatedPosting: shared,
  sharingSucceededPosting: shared,
  sharingFailedPosting: shared,
  shareReceivedPosting: shared,
  sharingReturnedPosting: givenBack,
  shareReturnedPosting: givenBack,
  serviceFeeTopUpPosting: fc.record({ ...head, deposit_id: uuids }),
  serviceFeeReturnPosting: fc.record({ ...head, deposit_id: uuids }),
  serviceFeePaymentPosting: fc.record({
    ...{ ...head, payment_id: uuids },
    source: fc.constantFrom("bank", "prepaid", "available"),
  }),
};

/** A template; one that moves money between two books gives a posting for each. */
type Template = (facts: unknown) => NewPosting | readonly NewPosting[];

const folder = readdirSync(new URL(".", import.meta.url));
const names = folder.filter((file) => !file.endsWith(".test.ts")).map((file) => file.replace(/\.ts$/, ""));
const modules = await Promise.all(
  names.map((name): Promise<Record<string, unknown>> => import(new URL(`./${name}.ts`, import.meta.url).href)),
);
const templates: ReadonlyMap<string, Template> = new Map(
  modules.flatMap((exported) =>
    Object.entries(exported).filter((entry): entry is [string, Template] => typeof entry[1] === "function"),
  ),
);

const postingsOf = (name: string): fc.Arbitrary<readonly NewPosting[]> =>
  factsOf[name]!.map((facts) => [templates.get(name)!(facts)].flat());

test("every template is described here, and every kind of transaction has one", () => {
  const unknown = [...templates.keys()].filter((name) => !Object.hasOwn(factsOf, name));
  expect(unknown, "add what these templates take to factsOf in this file").toEqual([]);
  expect(Object.keys(factsOf).filter((name) => !templates.has(name))).toEqual([]);
  const kinds = new Set(
    Object.keys(factsOf).flatMap((name) =>
      fc.sample(postingsOf(name), 50).flatMap((postings) => postings.map(({ kind }) => kind)),
    ),
  );
  expect([...kinds, "reversal"].sort()).toEqual(Object.keys(transactionKinds).sort());
});

test.each(Object.keys(factsOf))("%s balances, and its lines taken back leave nothing", (name) => {
  fc.assert(
    fc.property(postingsOf(name), (postings) => {
      for (const posting of postings) {
        if (posting.lines.length > 0) expect(findImbalance(posting)).toBeUndefined();
        const rest = new Map<Account, bigint>();
        for (const line of [...posting.lines, ...swapSides(posting.lines)]) {
          rest.set(line.account, (rest.get(line.account) ?? 0n) + changeOf(line));
        }
        expect([...rest.values()].every((balance) => balance === 0n)).toBe(true);
      }
    }),
  );
});

let books: TestBooks;
beforeAll(async () => {
  books = await openTestBooks();
});
afterAll(() => books.close());

test.each(Object.keys(factsOf))("%s is restored by its reversal, in a book", async (name) => {
  await fc.assert(
    fc.asyncProperty(postingsOf(name), async (postings) => {
      for (const posting of postings) if (posting.lines.length > 0) await postAndReverse(posting);
    }),
    { numRuns: 8 },
  );
});

/** In a book of its own, in which no balance is too low. */
async function postAndReverse(made: NewPosting): Promise<void> {
  const posting = { ...made, merchant_id: randomUUID() };
  const { merchant_id, livemode, lines, kind, source_id, reverses } = posting;
  await books.db.transaction(async (tx) => {
    for (const account of new Set(lines.map((line) => line.account))) await setMinimum(tx, posting, account, null);
    // What takes another transaction back needs that one first.
    const earlier = reverses && { ...posting, ...reverses, lines: swapSides(lines), reverses: undefined };
    if (earlier) expect((await post(tx, [withoutReverses(earlier)], 0))[0]!.kind).toBe("posted");
    const before = await getBalances(tx, posting);
    expect((await post(tx, [posting], 0))[0]!.kind).toBe("posted");
    const correction = { kind: "reversal", source_id: randomUUID(), occurred_at: 0, on_shortfall: "throw" } as const;
    const result = await reverse(tx, { merchant_id, kind, source_id }, correction, 0);
    expect(result.kind).toBe("posted");
    expect(await getBalances(tx, { merchant_id, livemode })).toEqual(before);
  });
}

function withoutReverses({ reverses: _, ...posting }: Omit<NewPosting, "reverses"> & { reverses?: undefined }) {
  return posting;
}
