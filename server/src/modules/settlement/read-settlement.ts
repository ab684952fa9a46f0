/** Reading settlements, always within the caller's own book. */
import type { Caller } from "../../kit/http/api.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { parsePublicId } from "../../kit/id.ts";
import { listRange, type PendingChange } from "../../ledger/index.ts";
import { readEntryPlace } from "../balance/index.ts";
import { loadAttempts, loadPayments } from "../payment/index.ts";
import { loadRefunds } from "../refund/index.ts";
import { loadSharedAttempts } from "../sharing/index.ts";
import { settlementErrors } from "./errors.ts";
import type { ItemType } from "./items.ts";
import type { ItemNumbers } from "./present.ts";
import type { SettlementServices } from "./services.ts";
import { itemTypeOf, type Settlement } from "./settlement.ts";
import { loadSettlement } from "./store.ts";

type Reading = Pick<SettlementServices, "db">;

/** The settlement of a public id. Throws settlement.not_found. */
export async function findSettlement({ db }: Reading, caller: Caller, public_id: string): Promise<Settlement> {
  const id = parsePublicId("settlement", public_id);
  const settlement = id && (await loadSettlement(db, caller.merchant_id, id));
  if (!settlement || settlement.livemode !== caller.livemode) throw settlementErrors["settlement.not_found"]();
  return settlement;
}

export interface SettlementItem {
  change: PendingChange;
  /** Undefined for a correction. */
  numbers: ItemNumbers | undefined;
}

/** A page of what a settlement consists of, the newest first. */
export async function readItems({ db }: Reading, settlement: Settlement, page: Page): Promise<SettlementItem[]> {
  const { older_than, newer_than } = page;
  const below = older_than === null ? settlement.last_number : readEntryPlace(older_than).number - 1n;
  const above = newer_than === null ? settlement.first_number : readEntryPlace(newer_than).number + 1n;
  const range = {
    ...settlement,
    first_number: above > settlement.first_number ? above : settlement.first_number,
    last_number: below < settlement.last_number ? below : settlement.last_number,
  };
  const changes = await listRange(db, range, page);
  const numbers = await findNumbers({ db }, settlement.merchant_id, changes);
  return changes.map((change) => ({ change, numbers: numbers.get(change.source_id) }));
}

async function findNumbers(
  { db }: Reading,
  merchant_id: string,
  changes: readonly PendingChange[],
): Promise<Map<string, ItemNumbers>> {
  const keysOf = (ids: Iterable<string>) => [...new Set(ids)].map((id) => ({ merchant_id, id }));
  const sources = (type: ItemType) =>
    changes.filter(({ kind }) => itemTypeOf(kind) === type).map(({ source_id }) => source_id);
  const shares = await loadSharedAttempts(db, merchant_id, sources("share"));
  const [attempts, refunds] = await Promise.all([
    loadAttempts(db, keysOf([...sources("payment"), ...shares.values()])),
    loadRefunds(db, keysOf(sources("refund"))),
  ]);
  const made = [...attempts.values(), ...refunds.values()];
  const payments = await loadPayments(db, keysOf(made.map(({ payment_id }) => payment_id)));
  const numbers = new Map(
    made.map((one): [string, ItemNumbers] => {
      const out_refund_no = "out_refund_no" in one ? one.out_refund_no : null;
      const out_trade_no = payments.get(one.payment_id)!.out_trade_no;
      return [one.id, { payment_id: one.payment_id, out_trade_no, out_refund_no }];
    }),
  );
  for (const [id, attempt_id] of shares) numbers.set(id, numbers.get(attempt_id)!);
  return numbers;
}
