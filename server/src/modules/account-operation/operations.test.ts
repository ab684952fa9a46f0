/**
 * Guarantees: each operation does what it says, once, with who asked, who decided, why, and what was before and after; what
 * a checker must decide changes nothing until then; what cannot be done leaves everything as it was; the books verify after
 * each, and verification finds an operation that does not agree with them.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { createIdSource } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { type accountOf, getBalances, post, verify } from "../../ledger/index.ts";
import { paymentPosting } from "../../ledger/templates/payment.ts";
import { settlementPosting } from "../../ledger/templates/settlement.ts";
import { clock, insertPayment, openTestBooks, paid, run, type TestBooks } from "../../ledger/testing/books.ts";
import { verifySnapshot } from "../../ledger/verify/verify.ts";
import {
  type ApprovalServices,
  decideApproval,
  registerApprovalHandlers,
  setApprovalPolicy,
} from "../approval/index.ts";
import { createMerchant } from "../merchant/index.ts";
import { createUser } from "../user/index.ts";
import {
  type AccountOperationServices,
  createOperationHandlers,
  listOperations,
  loadControls,
  loadOperation,
  requestOperation,
  requireMayCredit,
  requireMayDebit,
} from "./index.ts";
import type { Operation, OperationInput } from "./operation.ts";
import { operationTypes } from "./operation.ts";

const log = createLogger("silent");
const ids = createIdSource(clock, systemRandom);
let books: TestBooks;
let services: AccountOperationServices;
let maker: string;
let checker: string;
let merchant_id: string;

beforeAll(async () => {
  books = await openTestBooks();
  const { db } = books;
  const approval: ApprovalServices = { db, clock, ids, log, handlers: new Map() };
  services = { db, clock, ids, approval, kick: { webhooks() {} } };
  registerApprovalHandlers(approval, createOperationHandlers(services));
  const make = async (name: string) => {
    const input = { email: `${name}@example.com`, name, role: "operator", merchant_id: null } as const;
    return (await createUser({ sql: db, clock, ids, random: systemRandom }, input)).user.id;
  };
  [maker, checker] = [await make("maker"), await make("checker")];
});
beforeEach(async () => {
  merchant_id = (await createMerchant({ sql: books.db, clock, ids }, { name: "Tea house" })).id;
});
afterEach(async () => {
  expect((await verify(books.db)).differences).toEqual([]);
});
afterAll(() => books?.close());

/** A payment of 100.00 of which 99.40 are pending; gives the number of its transaction. */
async function pay(): Promise<bigint> {
  const attempt = paid({ merchant_id });
  return books.db.transaction(async (tx) => {
    await insertPayment(tx, attempt);
    const [result] = await post(tx, [paymentPosting(attempt)], clock.now());
    return result!.kind === "refused" ? 0n : result!.number;
  });
}

async function ask(
  input: Omit<OperationInput, "merchant_id" | "livemode" | "currency" | "reason">,
): Promise<Operation> {
  const key = { merchant_id, livemode: true, currency: "CNY", reason: " as ordered " };
  const { id, committed } = await books.db.transaction((tx) =>
    requestOperation(tx, services, { ...key, ...input }, maker),
  );
  committed();
  return (await loadOperation(books.db, id))!;
}
const codeOf = (promise: Promise<unknown>) =>
  promise.then(() => "none").catch((error: { code?: string }) => error.code);
const decide = (operation: Operation, decision: "approve" | "reject") =>
  decideApproval(services.approval, { id: operation.approval_id!, decision, checker_id: checker, comment: "seen" });

async function balance(kind: Parameters<typeof accountOf>[0]): Promise<bigint> {
  const all = await getBalances(books.db, { merchant_id, livemode: true });
  return all.find((one) => one.kind === kind)?.balance ?? 0n;
}
const controls = async () => (await loadControls(books.db, merchant_id))[0];
const may = (way: typeof requireMayDebit) =>
  codeOf(books.db.transaction((tx) => way(tx, { merchant_id, livemode: true }, "CNY")));
const ways = async () => [await may(requireMayCredit), await may(requireMayDebit)];

test("a freeze of each scope stops its ways, and an unfreeze opens them again; each has a history", async () => {
  const freeze = await ask({ type: "freeze", scope: "credit" });
  expect(freeze).toMatchObject({
    ...{ type: "freeze", scope: "credit", reason: "as ordered", status: "done", number: null },
    before: { status: "open", credit_frozen: false, debit_frozen: false },
    after: { status: "open", credit_frozen: true, debit_frozen: false },
  });
  expect(await ways()).toEqual(["account.credit_frozen", "none"]);
  await ask({ type: "freeze", scope: "debit" });
  expect(await ways()).toEqual(["account.credit_frozen", "account.debit_frozen"]);
  await ask({ type: "unfreeze", scope: "credit" });
  expect(await ways()).toEqual(["none", "account.debit_frozen"]);
  await ask({ type: "unfreeze", scope: "all" });
  expect(await ways()).toEqual(["none", "none"]);
  await ask({ type: "freeze", scope: "all", include_refunds: true });
  expect(await controls()).toMatchObject({ credit_frozen: true, debit_frozen: true, refunds_frozen: true });
  const page = { older_than: null, newer_than: null, order: "desc", fetch: 50 } as const;
  const filter = { merchant_id, livemode: true, currency: "CNY", type: null, status: "done" };
  expect((await listOperations(books.db, filter, page)).map(({ type }) => type)).toHaveLength(5);
});

test("a freeze that changes nothing is refused, and so is an operation of no merchant", async () => {
  await ask({ type: "freeze", scope: "all" });
  expect(await codeOf(ask({ type: "freeze", scope: "debit" }))).toBe("account.unchanged");
  expect(await codeOf(ask({ type: "freeze", scope: "debit", include_refunds: true }))).toBe("none");
  // A second freeze, which says nothing of refunds, does not let them go.
  expect(await codeOf(ask({ type: "freeze", scope: "all" }))).toBe("account.unchanged");
  expect(await controls()).toMatchObject({ debit_frozen: true, refunds_frozen: true });
  await ask({ type: "unfreeze", scope: "all" });
  expect(await codeOf(ask({ type: "unfreeze", scope: "all" }))).toBe("account.unchanged");
  merchant_id = ids.uuid();
  expect(await codeOf(ask({ type: "freeze", scope: "all" }))).toBe("merchant.not_found");
});

test("an amount is frozen where there is as much, and released in parts, never more than was frozen", async () => {
  await pay();
  expect(await codeOf(ask({ type: "freeze_amount", account: "pending", amount: 9_941n }))).toBe("account.insufficient");
  const freeze = await ask({ type: "freeze_amount", account: "pending", amount: 5_000n });
  expect(freeze).toMatchObject({
    before: { balances: { pending: 9_940, frozen: 0 } },
    after: { balances: { pending: 4_940, frozen: 5_000 } },
  });
  const release = (amount?: bigint) =>
    ask({ type: "release_amount", freeze_id: freeze.id, ...(amount !== undefined && { amount }) });
  expect(await codeOf(release(5_001n))).toBe("account.release_too_high");
  expect(await release(2_000n)).toMatchObject({ account: "pending", amount: 2_000n, status: "done" });
  expect([await balance("merchant_pending"), await balance("merchant_frozen")]).toEqual([6_940n, 3_000n]);
  expect((await release()).amount).toBe(3_000n);
  expect((await loadOperation(books.db, freeze.id))!.released).toBe(5_000n);
  expect(await codeOf(release())).toBe("account.release_too_high");
  expect(await balance("merchant_frozen")).toBe(0n);
});

test("ten that release the same amount at the same moment release it once", async () => {
  await pay();
  const { id: freeze_id } = await ask({ type: "freeze_amount", account: "pending", amount: 1_000n });
  const codes = await Promise.all(
    Array.from({ length: 10 }, () => codeOf(ask({ type: "release_amount", freeze_id, amount: 300n }))),
  );
  expect(codes.filter((code) => code === "none")).toHaveLength(3);
  expect(codes.filter((code) => code === "account.release_too_high")).toHaveLength(7);
  expect(await balance("merchant_frozen")).toBe(100n);
});

test("what was settled can be frozen, and goes back to what is available", async () => {
  await pay();
  const settlement = { merchant_id, livemode: true, settlement_id: ids.uuid(), occurred_at: clock.now(), reserved: 0n };
  const amount = { amount: 9_940n, currency: "CNY" };
  await run(
    books.db,
    `insert into settlements (merchant_id, id, livemode, currency, cycle, cut_off_at, first_number, last_number, number,
       payment_count, payment_amount, refund_count, refund_amount, adjustment_count, adjustment_amount, fee_amount,
       from_available, brought_forward, carried_forward, amount, created_at)
     values ($1, $2, true, 'CNY', 'D+1', now(), 1, 1, 2, 1, 10000, 0, 0, 0, 0, -60, 0, 0, 0, 9940, now())`,
    [merchant_id, settlement.settlement_id],
  );
  await books.db.transaction((tx) => post(tx, [settlementPosting({ ...settlement, amount })], clock.now()));
  const { id: freeze_id } = await ask({ type: "freeze_amount", account: "available", amount: 40n });
  expect(await balance("merchant_available")).toBe(9_900n);
  await ask({ type: "release_amount", freeze_id });
  expect([await balance("merchant_available"), await balance("merchant_pending")]).toEqual([9_940n, 0n]);
});

test("an adjustment gives and takes, never below what is there, and follows freezes", async () => {
  const adjust = (direction: "credit" | "debit", amount: bigint) =>
    ask({ type: "adjust", account: "available", direction, amount });
  await adjust("credit", 500n);
  expect([await balance("merchant_available"), await balance("adjustment_expense")]).toEqual([500n, 500n]);
  expect(await codeOf(adjust("debit", 501n))).toBe("account.insufficient");
  await adjust("debit", 200n);
  expect([await balance("merchant_available"), await balance("adjustment_expense")]).toEqual([300n, 300n]);
  await ask({ type: "freeze", scope: "all" });
  expect(await codeOf(adjust("credit", 1n))).toBe("account.credit_frozen");
  expect(await codeOf(adjust("debit", 1n))).toBe("account.debit_frozen");
  expect(await balance("merchant_available")).toBe(300n);
});

test("a transaction is taken back once, entry by entry, also on a frozen account", async () => {
  const number = await pay();
  await ask({ type: "freeze", scope: "all" });
  const reversal = await ask({ type: "reverse", reversed_number: number });
  expect(reversal).toMatchObject({ status: "done", after: { balances: { pending: 0 } } });
  const all = await getBalances(books.db, { merchant_id, livemode: true });
  expect(all.filter((one) => one.balance !== 0n)).toEqual([]);
  expect(await codeOf(ask({ type: "reverse", reversed_number: number }))).toBe("account.not_reversible");
  // A correction is not taken back, and neither is what never was.
  expect(await codeOf(ask({ type: "reverse", reversed_number: reversal.number! }))).toBe("account.not_reversible");
  expect(await codeOf(ask({ type: "reverse", reversed_number: 99n }))).toBe("account.not_reversible");
});

test("an adjustment is taken back where the money is still there", async () => {
  const made = await ask({ type: "adjust", account: "pending", direction: "credit", amount: 100n });
  await ask({ type: "freeze_amount", account: "pending", amount: 60n });
  expect(await codeOf(ask({ type: "reverse", reversed_number: made.number! }))).toBe("account.insufficient");
  await ask({ type: "adjust", account: "pending", direction: "credit", amount: 60n });
  await ask({ type: "reverse", reversed_number: made.number! });
  expect([await balance("merchant_pending"), await balance("merchant_frozen")]).toEqual([0n, 60n]);
});

test("an account is closed at zero only, lets nothing begin, and is opened again", async () => {
  await pay();
  expect(await codeOf(ask({ type: "close" }))).toBe("account.not_zero");
  await ask({ type: "adjust", account: "pending", direction: "debit", amount: 9_940n });
  expect(await ask({ type: "close" })).toMatchObject({ before: { status: "open" }, after: { status: "closed" } });
  expect(await ways()).toEqual(["account.closed", "account.closed"]);
  expect(await codeOf(ask({ type: "close" }))).toBe("account.unchanged");
  expect(await codeOf(ask({ type: "freeze", scope: "all" }))).toBe("account.closed");
  const adjustment = { type: "adjust", account: "pending", direction: "credit", amount: 1n } as const;
  expect(await codeOf(ask(adjustment))).toBe("account.closed");
  // A payer who pays late pays all the same: it is booked.
  await pay();
  expect(await balance("merchant_pending")).toBe(9_940n);
  expect(await codeOf(ask({ type: "freeze_amount", account: "pending", amount: 1n }))).toBe("account.closed");
  await ask({ type: "open" });
  expect(await ways()).toEqual(["none", "none"]);
});

test("an account is opened for the record once", async () => {
  expect(await ask({ type: "open" })).toMatchObject({ status: "done", after: { status: "open" } });
  expect(await codeOf(ask({ type: "open" }))).toBe("account.unchanged");
});

test("sixty operations of all kinds at the same moment: what was done adds up, and nothing else happened", async () => {
  await pay();
  const numbers = [await pay(), await pay()];
  const { id: freeze_id } = await ask({ type: "freeze_amount", account: "pending", amount: 900n });
  const choices: Parameters<typeof ask>[0][] = [
    { type: "adjust", account: "pending", direction: "credit", amount: 70n },
    { type: "adjust", account: "pending", direction: "debit", amount: 4_000n },
    { type: "freeze_amount", account: "pending", amount: 3_000n },
    { type: "release_amount", freeze_id, amount: 200n },
    { type: "reverse", reversed_number: numbers[0]! },
    { type: "freeze", scope: "debit" },
    { type: "unfreeze", scope: "debit" },
    { type: "adjust", account: "available", direction: "credit", amount: 5n },
    { type: "freeze_amount", account: "available", amount: 3n },
    { type: "reverse", reversed_number: numbers[1]! },
  ];
  const asked = Array.from({ length: 60 }, (_, index) => ask(choices[index % choices.length]!));
  const results = await Promise.allSettled(asked);
  const faults = results.flatMap((one) => (one.status === "rejected" ? [one.reason as { code?: string }] : []));
  expect(faults.filter(({ code }) => !code?.startsWith("account."))).toEqual([]);
  const done = results.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const sum = (type: Operation["type"], account: string, direction: string | null = null) =>
    done
      .filter((one) => one.type === type && one.account === account && one.direction === direction)
      .reduce((total, { amount }) => total + amount!, 0n);
  const reversed = done.filter(({ type }) => type === "reverse").length;
  expect(reversed).toBeLessThanOrEqual(2);
  const [frozen, released] = [sum("freeze_amount", "pending") + 900n, sum("release_amount", "pending")];
  expect(released).toBeLessThanOrEqual(900n);
  const adjusted = sum("adjust", "pending", "credit") - sum("adjust", "pending", "debit");
  const pending = 3n * 9_940n - BigInt(reversed) * 9_940n + adjusted - frozen + released;
  expect(await balance("merchant_pending")).toBe(pending);
  expect(await balance("merchant_frozen")).toBe(frozen - released + sum("freeze_amount", "available"));
});

test("where a policy asks for a checker nothing happens until one decides", async () => {
  const policy = { kind: "account.freeze_amount", currency: "CNY" };
  await setApprovalPolicy(services.approval, { ...policy, above: 1_000n });
  await pay();
  const small = await ask({ type: "freeze_amount", account: "pending", amount: 1_000n });
  expect(small.status).toBe("done");
  const [approved, rejected] = [
    await ask({ type: "freeze_amount", account: "pending", amount: 1_001n }),
    await ask({ type: "freeze_amount", account: "pending", amount: 1_002n }),
  ];
  expect([approved.status, rejected.status, await balance("merchant_frozen")]).toEqual(["pending", "pending", 1_000n]);
  await decide(approved, "approve");
  await decide(rejected, "reject");
  expect(await balance("merchant_frozen")).toBe(2_001n);
  expect((await loadOperation(books.db, approved.id))!).toMatchObject({
    status: "done",
    after: { balances: { frozen: 2_001 } },
  });
  expect((await loadOperation(books.db, rejected.id))!.status).toBe("declined");
  await setApprovalPolicy(services.approval, { ...policy, above: null });
});

test("an approval that cannot be carried out any more stays pending, and says why", async () => {
  await setApprovalPolicy(services.approval, { kind: "account.adjust", currency: "*", above: 0n });
  const waiting = await ask({ type: "adjust", account: "available", direction: "debit", amount: 10n });
  expect(await codeOf(decide(waiting, "approve"))).toBe("account.insufficient");
  expect((await loadOperation(books.db, waiting.id))!.status).toBe("pending");
  const own = { id: waiting.approval_id!, decision: "approve", checker_id: maker } as const;
  expect(await codeOf(decideApproval(services.approval, own))).toBe("approval.own_request");
  await decide(waiting, "reject");
  await setApprovalPolicy(services.approval, { kind: "account.adjust", currency: "*", above: null });
});

test("each type names the fields that it lacks, and those that are none of its own", async () => {
  const paramOf = (input: Parameters<typeof ask>[0]) =>
    ask(input)
      .then(() => "none")
      .catch((error: { code: string; param?: string }) => `${error.code} ${error.param}`);
  const invalid = "account.operation_invalid";
  expect(await paramOf({ type: "freeze" })).toBe(`${invalid} scope`);
  expect(await paramOf({ type: "open", scope: "all" })).toBe(`${invalid} scope`);
  expect(await paramOf({ type: "freeze", scope: "credit", include_refunds: true })).toBe(`${invalid} include_refunds`);
  expect(await paramOf({ type: "freeze_amount", account: "pending" })).toBe(`${invalid} amount`);
  expect(await paramOf({ type: "freeze_amount", account: "pending", amount: 0n })).toBe(`${invalid} amount`);
  expect(await paramOf({ type: "release_amount" })).toBe(`${invalid} freeze_id`);
  expect(await paramOf({ type: "release_amount", freeze_id: ids.uuid() })).toBe("account_operation.not_found freeze");
  expect(await paramOf({ type: "adjust", account: "pending", amount: 1n })).toBe(`${invalid} direction`);
  expect(operationTypes).toHaveLength(8);
});

test.each([
  [
    "a release that was not counted",
    "update account_operations set released = released - 1 where released > 0",
    "wrong_release",
  ],
  [
    "a correction of another transaction",
    "update account_operations set reversed_number = 77 where type = 'reverse'",
    "wrong_reversal",
  ],
  [
    "an adjustment of another amount",
    "update account_operations set amount = amount + 1 where type = 'adjust'",
    "wrong_posting",
  ],
  [
    "an amount frozen that nobody asked for",
    "delete from account_operations where type = 'adjust'",
    "unexpected_posting",
  ],
  [
    "an operation that was not done",
    "update account_operations set status = 'declined', done_at = null where type = 'adjust'",
    "unexpected_posting",
  ],
])("verification finds %s", async (_, corruption, code) => {
  const number = await pay();
  await ask({ type: "adjust", account: "pending", direction: "credit", amount: 100n });
  const { id: freeze_id } = await ask({ type: "freeze_amount", account: "pending", amount: 50n });
  await ask({ type: "release_amount", freeze_id, amount: 20n });
  await ask({ type: "reverse", reversed_number: number }).catch(() => undefined);
  const undone = new Error("undone");
  let codes: string[] = [];
  const work = books.db.transaction(async (tx) => {
    await run(tx, corruption);
    codes = (await verifySnapshot(tx)).differences.map((one) => one.code);
    throw undone;
  });
  await expect(work).rejects.toBe(undone);
  expect([...new Set(codes)]).toEqual([code]);
});
