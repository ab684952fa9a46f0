/** The wire shapes of balances and their entries. */
import { toRfc3339 } from "../../kit/clock.ts";
import { type IdKind, publicId } from "../../kit/id.ts";
import {
  type Balance,
  type Entry,
  type EntryPosition,
  type TransactionKind,
  transactionKinds,
} from "../../ledger/index.ts";
import { isShown, type ShownKind, type ShownName, shownAccounts, shownNames } from "./account.ts";

export interface BalanceView {
  object: "balance";
  livemode: boolean;
  /** The past instant that was asked for. */
  at?: string;
  /** One for each currency; amounts in minor units. */
  balances: ({ currency: string } & Record<ShownName, number>)[];
}

/** Sums accounts kept for each channel account into one figure. */
export function presentBalance(
  livemode: boolean,
  balances: readonly Pick<Balance, "kind" | "currency" | "balance">[],
  at?: number,
): BalanceView {
  const sums = new Map<string, Map<ShownName, bigint>>();
  for (const { kind, currency, balance } of balances) {
    if (!isShown(kind)) continue;
    const ofCurrency = sums.get(currency) ?? new Map<ShownName, bigint>();
    const name = shownAccounts[kind];
    sums.set(currency, ofCurrency.set(name, (ofCurrency.get(name) ?? 0n) + balance));
  }
  const figures = [...sums].map(([currency, ofCurrency]) => {
    const amounts = shownNames.map((name) => [name, Number(ofCurrency.get(name) ?? 0n)]);
    return { currency, ...(Object.fromEntries(amounts) as Record<ShownName, number>) };
  });
  return { object: "balance", livemode, ...(at !== undefined && { at: toRfc3339(at) }), balances: figures };
}

export interface EntryView {
  id: string;
  object: "balance_entry";
  livemode: boolean;
  account: ShownName;
  type: string;
  amount: number;
  currency: string;
  balance_after: number;
  /** What is behind it, such as the attempt, refund, payout or part of a sharing; null for a correction. */
  source: string | null;
  created_at: string;
}

const sourceKinds = {
  attempt: "attempt",
  refund: "refund",
  settlement: "settlement",
  reserve_release: "reserve_release",
  account_operation: "account_operation",
  payout: "payout",
  commission_part: "commission_part",
  commission_settlement: "commission_settlement",
  sharing_part: "sharing_part",
  sharing_return: "sharing_return",
  reconciliation_posting: "reconciliation_posting",
  service_fee_deposit: "service_fee_deposit",
  service_fee_payment: "service_fee_payment",
  correction: null,
} as const satisfies Record<string, IdKind | null>;

/** The public id of what is behind a transaction; null for a correction. */
export function presentSource(transaction_kind: TransactionKind, source_id: string): string | null {
  const kind = sourceKinds[transactionKinds[transaction_kind]];
  return kind === null ? null : publicId(kind, source_id);
}

/** An entry as the merchant sees it. */
export function presentEntry(livemode: boolean, entry: Entry): EntryView {
  return {
    id: entryId(entry),
    object: "balance_entry",
    livemode,
    account: shownAccounts[entry.kind as ShownKind],
    type: entry.transaction_kind,
    amount: Number(entry.amount),
    currency: entry.currency,
    balance_after: Number(entry.balance_after),
    source: presentSource(entry.transaction_kind, entry.source_id),
    created_at: toRfc3339(entry.occurred_at),
  };
}

/** An entry's public id: its place in its book as 128 bits, the transaction's number, then the line. */
export function entryId({ number, line }: EntryPosition): string {
  const hex = number.toString(16).padStart(16, "0") + line.toString(16).padStart(16, "0");
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return publicId("ledger_transaction", parts.join("-"));
}

/** The place that an entry's id names; one that no entry can have when somebody made the id up. */
export function readEntryPlace(uuid: string): EntryPosition {
  const hex = uuid.replaceAll("-", "");
  const number = BigInt.asIntN(64, BigInt(`0x${hex.slice(0, 16)}`));
  return { number, line: Number(BigInt.asIntN(31, BigInt(`0x${hex.slice(16)}`))) };
}
