import { commissionReceivedPosting } from "../../templates/commission.ts";
import { checkSource, type SourceRow } from "../source.ts";

interface SettlementRow extends SourceRow {
  total: bigint;
  currency: string;
  brought_forward: bigint;
  carried_forward: bigint;
}

/** Settlements of commission that have reached the agent's book. */
export const commissionSettlements = checkSource<SettlementRow>({
  noun: "commission_settlement",
  counted: "commission_settlements",
  kinds: ["commission_received"],
  from: "commission_settlements s",
  where: "s.status = 'settled' and (s.total <> 0 or s.amount <> 0)",
  columns: "s.status, s.total, s.currency, s.brought_forward, s.carried_forward",
  calls_for: "'commission_received'",
  changed_at: "coalesce(s.settled_at, s.created_at)",
  book({ source_id: settlement_id, merchant_id, livemode, total, currency, brought_forward, carried_forward }) {
    const head = { merchant_id, livemode, settlement_id, brought_forward, carried_forward, occurred_at: 0 };
    return [commissionReceivedPosting({ ...head, total: { amount: total, currency } })];
  },
});
