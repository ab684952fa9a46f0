import { settlementPosting } from "../../templates/settlement.ts";
import { checkSource, type SourceRow } from "../source.ts";

interface SettlementRow extends SourceRow {
  amount: bigint;
  currency: string;
  reserved: bigint;
}

/** Settlements that are posted. That they leave nothing out is `verify-settlements.ts`. */
export const settlements = checkSource<SettlementRow>({
  noun: "settlement",
  counted: "settlements",
  kinds: ["settlement_created"],
  from: "settlements s",
  where: "s.status = 'posted'",
  columns: "s.status, s.amount, s.currency, s.reserved_amount as reserved",
  calls_for: "'settlement_created'",
  changed_at: "coalesce(s.decided_at, s.created_at)",
  book({ source_id: settlement_id, amount, currency, merchant_id, livemode, reserved }) {
    const head = { merchant_id, livemode, settlement_id, occurred_at: 0 };
    return [settlementPosting({ ...head, amount: { amount, currency }, reserved })];
  },
});
