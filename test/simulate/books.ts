/** What simulations share to explain books: sums by name, and what the books hold, as sums. */
import type { Client } from "pg";

/** By merchant and account. */
export type Sums = Map<string, bigint>;

export function add(sums: Sums, name: string, amount: bigint): void {
  if (amount !== 0n) sums.set(name, (sums.get(name) ?? 0n) + amount);
}

/** Half a fen counts as one. */
export const share = (amount: bigint, ppm: bigint) => (amount * ppm + 500_000n) / 1_000_000n;

/** What belongs to the merchant, in whatever state, is one figure: where it stands is for other tests. */
export const OWED = "owed to the holder";
const owed = new Set([
  ...["merchant_pending", "merchant_available", "merchant_reserve", "merchant_frozen"],
  ...["payout_in_transit", "sharing_payable", "refund_in_transit", "direct_refund_in_transit"],
]);

/** What every account holds; the name is the merchant's UUID, the kind, and the scope if it has one. */
export async function readBooks(client: Client): Promise<Sums> {
  const { rows } = await client.query<{ merchant_id: string; account_kind: string; scope: string; balance: string }>(
    "select merchant_id, account_kind, scope, balance from ledger_balances",
  );
  const sums: Sums = new Map();
  for (const { merchant_id, account_kind, scope, balance } of rows) {
    const account = owed.has(account_kind) ? OWED : account_kind;
    add(sums, `${merchant_id} ${account}${/^[0-]+$/.test(scope) ? "" : ` ${scope}`}`, BigInt(balance));
  }
  return sums;
}
