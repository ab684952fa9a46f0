import {
  adjustmentPosting,
  type DrawableAccount,
  fundsFrozenPosting,
  fundsReleasedPosting,
} from "../../templates/account-operation.ts";
import { checkSource, type SourceRow } from "../source.ts";

interface OperationRow extends SourceRow {
  type: "freeze_amount" | "release_amount" | "adjust";
  account: DrawableAccount;
  direction: "credit" | "debit";
  amount: bigint;
  currency: string;
}

/** Operations that were done and move money. What they take back is `verify-operations.ts`. */
export const accountOperations = checkSource<OperationRow>({
  noun: "account_operation",
  counted: "account_operations",
  kinds: ["funds_frozen", "funds_released", "adjustment_made"],
  from: "account_operations s",
  where: "s.status = 'done' and s.type in ('freeze_amount', 'release_amount', 'adjust')",
  columns: "s.status, s.type, s.account, s.direction, s.amount, s.currency",
  calls_for: `case s.type when 'freeze_amount' then 'funds_frozen' when 'release_amount' then 'funds_released'
    else 'adjustment_made' end`,
  changed_at: "s.done_at",
  book({ source_id: operation_id, merchant_id, livemode, account, direction, amount, currency, type }) {
    const facts = { merchant_id, livemode, operation_id, account, amount: { amount, currency }, occurred_at: 0 };
    if (type === "adjust") return [adjustmentPosting({ ...facts, direction })];
    return [type === "freeze_amount" ? fundsFrozenPosting(facts) : fundsReleasedPosting(facts)];
  },
});
