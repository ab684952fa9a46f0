import { commissionSettledPosting } from "../../templates/commission.ts";
import { checkSource, type SourceRow } from "../source.ts";

interface PartRow extends SourceRow {
  agent_id: string;
  amount: bigint;
  currency: string;
}

/** What merchants' books gave to settlements of commission. That nothing is left out is `verify-commissions.ts`. */
export const commissionParts = checkSource<PartRow>({
  noun: "commission_part",
  counted: "commission_parts",
  kinds: ["commission_settled"],
  from: "commission_parts s",
  where: "s.amount <> 0",
  columns: "'settled' as status, s.agent_id, s.amount, s.currency",
  calls_for: "'commission_settled'",
  changed_at: "s.created_at",
  book({ source_id: part_id, merchant_id, livemode, agent_id, amount, currency }) {
    const head = { merchant_id, livemode, part_id, agent_id, occurred_at: 0 };
    return [commissionSettledPosting({ ...head, amount: { amount, currency } })];
  },
});
