/** Does an operation, in the transaction of its approval: controls, posting, history and events are one. */
import { invariant } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import {
  type AccountKind,
  accountOf,
  adjustmentPosting,
  findTransaction,
  fundsFrozenPosting,
  fundsReleasedPosting,
  getBalances,
  lockBalance,
  type NewPosting,
  type PostResult,
  post,
  reverse,
} from "../../ledger/index.ts";
import { presentBalance } from "../balance/index.ts";
import { announceCredentialChange } from "../merchant/index.ts";
import type { Controls } from "./control.ts";
import { lockControls, saveControls } from "./control-store.ts";
import { accountErrors } from "./errors.ts";
import { changeControls, type Operation, type Snapshot } from "./operation.ts";
import { addRelease, finishOperation, lockOperation } from "./operation-store.ts";
import { weighReversal } from "./request-operation.ts";
import { requireMayCredit, requireMayDebit } from "./require-may.ts";
import type { AccountOperationServices } from "./services.ts";
import { tellApps } from "./tell-apps.ts";

type Carrying = Pick<AccountOperationServices, "clock" | "ids">;

/**
 * Does a pending operation, once.
 * @throws account.unchanged, account.closed, account.insufficient, account.not_zero, account.release_too_high,
 *   account.not_reversible, account.credit_frozen, account.debit_frozen
 */
export async function carryOut(services: Carrying, tx: Transaction, merchant_id: string, id: string): Promise<void> {
  const operation = await lockOperation(tx, merchant_id, id);
  invariant(operation?.status === "pending", "an approval carries out a pending operation");
  const { livemode, currency } = operation;
  const row = await lockControls(tx, operation);
  // From here on the account stays as it is for everybody else, so that before and after are what they say.
  await lockBalance(tx, { merchant_id, livemode }, accountOf("merchant_pending", currency));
  const before = await takeSnapshot(tx, operation, row);
  const { controls, number } = await act(services, tx, operation, row);
  const after = await takeSnapshot(tx, operation, controls);
  const now = services.clock.now();
  if (controls !== row || row.is_new) await saveControls(tx, operation, controls, now);
  const done = { status: "done", number, before, after, done_at: now } as const;
  await finishOperation(tx, operation, done);
  // Authentication knows which accounts take no payments.
  if (controls !== row) await announceCredentialChange(tx);
  await tellApps(services, tx, { ...operation, ...done });
}

interface Effect {
  readonly controls: Controls;
  readonly number: bigint | null;
}

type Row = Awaited<ReturnType<typeof lockControls>>;

function act(services: Carrying, tx: Transaction, operation: Operation, row: Row): Promise<Effect> {
  switch (operation.type) {
    case "open":
    case "freeze":
    case "unfreeze":
      return control(operation, row);
    case "close":
      return close(tx, operation, row);
    case "freeze_amount":
    case "adjust":
      return book(services, tx, operation, row);
    case "release_amount":
      return release(services, tx, operation, row);
    case "reverse":
      return takeBack(services, tx, operation, row);
  }
}

async function control(operation: Operation, row: Row): Promise<Effect> {
  const controls = changeControls(row, operation);
  // An account that nobody has done anything to is opened once, for the record.
  if (operation.type === "open" && row.is_new) return { controls: controls ?? row, number: null };
  if (controls === undefined) throw accountErrors["account.unchanged"]();
  if (operation.type === "freeze" && row.status === "closed") throw closed(operation);
  return { controls, number: null };
}

const closed = ({ currency }: Operation) => accountErrors["account.closed"]({ values: { currency } });

/** What the merchant, payers and receivers are owed, and what the merchant owes. */
const OWED: readonly AccountKind[] = [
  ...(["merchant_pending", "merchant_available", "merchant_reserve", "merchant_frozen"] as const),
  ...(["payout_in_transit", "sharing_payable", "refund_in_transit", "duplicate_payable"] as const),
  ...(["service_fee_prepaid", "service_fee_receivable"] as const),
  ...(["direct_refund_in_transit", "direct_duplicate_payable"] as const),
];

async function close(tx: Transaction, operation: Operation, row: Row): Promise<Effect> {
  if (row.status === "closed") throw accountErrors["account.unchanged"]();
  const balances = await getBalances(tx, operation);
  const left = balances.filter(
    ({ currency, kind, balance }) => currency === operation.currency && OWED.includes(kind) && balance !== 0n,
  );
  if (left.length === 0) return { controls: changeControls(row, operation)!, number: null };
  const accounts = left.map(({ kind, balance }) => `${kind} ${balance}`).join(", ");
  throw accountErrors["account.not_zero"]({ values: { accounts } });
}

/** Facts of the ledger's templates. */
function factsOf(operation: Operation, occurred_at: number) {
  const { merchant_id, livemode, id: operation_id, account, amount, currency } = operation;
  invariant(account !== null && amount !== null, "operations that move money name an account and an amount");
  return { merchant_id, livemode, operation_id, account, amount: { amount, currency }, occurred_at };
}

async function book({ clock }: Carrying, tx: Transaction, operation: Operation, row: Row): Promise<Effect> {
  if (row.status === "closed") throw closed(operation);
  const facts = factsOf(operation, clock.now());
  const { type, direction, currency } = operation;
  if (type !== "adjust")
    return { controls: row, number: await postOrRefuse(tx, fundsFrozenPosting(facts), clock.now()) };
  invariant(direction !== null, "an adjustment names its direction");
  await (direction === "credit" ? requireMayCredit : requireMayDebit)(tx, operation, currency);
  return { controls: row, number: await postOrRefuse(tx, adjustmentPosting({ ...facts, direction }), clock.now()) };
}

async function release({ clock }: Carrying, tx: Transaction, operation: Operation, row: Row): Promise<Effect> {
  const freeze = await lockOperation(tx, operation.merchant_id, operation.freeze_id!);
  invariant(freeze?.amount && operation.amount, "a release is of a frozen amount");
  const left = freeze.amount - freeze.released;
  if (operation.amount > left) throw accountErrors["account.release_too_high"]({ values: { left } });
  await addRelease(tx, freeze, operation.amount);
  const posting = fundsReleasedPosting(factsOf(operation, clock.now()));
  return { controls: row, number: await postOrRefuse(tx, posting, clock.now()) };
}

async function takeBack({ clock }: Carrying, tx: Transaction, operation: Operation, row: Row): Promise<Effect> {
  const { merchant_id, livemode, id: source_id, reversed_number } = operation;
  await weighReversal(tx, operation, reversed_number!);
  const found = await findTransaction(tx, { merchant_id, livemode, number: reversed_number! }, []);
  const reversed = { merchant_id, kind: found!.kind, source_id: found!.source_id };
  const correction = { kind: "reversal", source_id, occurred_at: clock.now(), on_shortfall: "refuse" } as const;
  const number = numberOf(await reverse(tx, reversed, correction, clock.now()));
  return { controls: row, number };
}

async function postOrRefuse(tx: Transaction, posting: NewPosting, now: number): Promise<bigint> {
  const [result] = await post(tx, [posting], now);
  return numberOf(result!);
}

function numberOf(result: PostResult): bigint {
  if (result.kind !== "refused") return result.number;
  const { account, balance } = result;
  throw accountErrors["account.insufficient"]({ values: { account: account.kind, balance } });
}

async function takeSnapshot(tx: Transaction, operation: Operation, controls: Controls): Promise<Snapshot> {
  const { livemode, currency } = operation;
  const { status, credit_frozen, debit_frozen, refunds_frozen } = controls;
  const all = await getBalances(tx, operation);
  const ofCurrency = all.filter((balance) => balance.currency === currency);
  const { currency: _, ...balances } = presentBalance(livemode, ofCurrency).balances[0] ?? { currency };
  return { status, credit_frozen, debit_frozen, refunds_frozen, balances };
}
