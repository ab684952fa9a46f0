import { type Entry, transactionKinds } from "../../ledger/index.ts";
import { type AttemptNumbers, loadAttemptNumbers } from "../payment/index.ts";
import { loadRefunds, type Refund } from "../refund/index.ts";
import { loadSharedAttempts } from "../sharing/index.ts";
import type { StatementServices } from "./services.ts";

/** The payment that an entry belongs to, and the refund where it is one's; neither for a correction. */
export interface EntryNumbers {
  readonly attempt?: AttemptNumbers | undefined;
  readonly refund?: Refund | undefined;
}

/** Finds the numbers of a page of entries of one merchant, whatever its size, in a few statements; gives them by `source_id`. */
export async function loadEntryNumbers(
  { db }: StatementServices,
  merchant_id: string,
  entries: readonly Entry[],
): Promise<ReadonlyMap<string, EntryNumbers>> {
  const sources = new Map(entries.map((entry) => [entry.source_id, transactionKinds[entry.transaction_kind]]));
  const idsOf = (kind: string) => [...sources].filter(([, of]) => of === kind).map(([id]) => id);
  const toKeys = (ids: readonly string[]) => ids.map((id) => ({ merchant_id, id }));
  const refund_ids = idsOf("refund");
  const refunds = refund_ids.length > 0 ? await loadRefunds(db, toKeys(refund_ids)) : new Map<string, Refund>();
  const shared = await loadSharedAttempts(db, merchant_id, [...idsOf("sharing_part"), ...idsOf("sharing_return")]);
  const ofRefunds = [...refunds.values()].map(({ attempt_id }) => attempt_id);
  const attempt_ids = new Set([...idsOf("attempt"), ...ofRefunds, ...shared.values()]);
  const attempts = await loadAttemptNumbers(db, toKeys([...attempt_ids]));
  return new Map(
    [...sources.keys()].map((id) => {
      const refund = refunds.get(id);
      return [id, { refund, attempt: attempts.get(refund?.attempt_id ?? shared.get(id) ?? id) }];
    }),
  );
}
