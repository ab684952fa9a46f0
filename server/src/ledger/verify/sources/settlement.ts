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
  rows: `select merchant_id, id as source_id, livemode, status, amount, currency, reserved_amount as reserved
    from settlements where status = 'posted'`,
  book({ source_id: settlement_id, amount, currency, merchant_id, livemode, reserved }) {
    const head = { merchant_id, livemode, settlement_id, occurred_at: 0 };
    return [settlementPosting({ ...head, amount: { amount, currency }, reserved })];
  },
});
