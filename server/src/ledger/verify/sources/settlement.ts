import { settlementPosting } from "../../templates/settlement.ts";
import { checkSource, type SourceRow } from "../source.ts";

interface SettlementRow extends SourceRow {
  amount: bigint;
  currency: string;
}

/** Settlements. That they leave nothing out is `verify-settlements.ts`. */
export const settlements = checkSource<SettlementRow>({
  noun: "settlement",
  counted: "settlements",
  kinds: ["settlement_created"],
  rows: "select merchant_id, id as source_id, livemode, 'created' as status, amount, currency from settlements",
  book({ source_id: settlement_id, amount, currency, merchant_id, livemode }) {
    const settlement = { merchant_id, livemode, settlement_id, amount: { amount, currency }, occurred_at: 0 };
    return [settlementPosting(settlement)];
  },
});
