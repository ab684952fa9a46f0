/** The wire shapes of operations and of accounts' controls. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { type ApprovalServices, loadApprovals, presentApprovals } from "../approval/index.ts";
import { entryId } from "../balance/index.ts";
import type { ControlsRow } from "./control-store.ts";
import type { Operation } from "./operation.ts";

const bookPlace = (number: bigint | null) => (number === null ? null : entryId({ number, line: 1 }));
const time = (at: number | null) => (at === null ? null : toRfc3339(at));
const figure = (amount: bigint | null) => (amount === null ? null : Number(amount));

/** What an event says: that something is frozen or free again, without reasons and names. */
export function presentToMerchant(operation: Operation) {
  const { id, livemode, currency, type, scope, include_refunds, account, amount, done_at } = operation;
  return {
    id: publicId("account_operation", id),
    object: "account_operation" as const,
    livemode,
    currency,
    type,
    scope,
    include_refunds,
    account,
    amount: figure(amount),
    created_at: time(done_at),
  };
}

type Names = Pick<ApprovalServices, "handlers"> & { readonly db: Sql };

/** Operations as operators see them, with who asked and who decided. */
export async function presentOperations(services: Names, operations: readonly Operation[]) {
  const approval_ids = operations.flatMap(({ approval_id }) => (approval_id === null ? [] : [approval_id]));
  const approvals = await loadApprovals(services.db, approval_ids);
  const shown = await presentApprovals(services, approvals);
  const byId = new Map(shown.map((approval) => [approval.id, approval]));
  return operations.map((operation) => {
    const approval = byId.get(publicId("approval", operation.approval_id ?? operation.id));
    return {
      ...presentToMerchant(operation),
      merchant: publicId("merchant", operation.merchant_id),
      direction: operation.direction,
      released: operation.type === "freeze_amount" ? Number(operation.released) : null,
      freeze: operation.freeze_id === null ? null : publicId("account_operation", operation.freeze_id),
      transaction: bookPlace(operation.reversed_number),
      reason: operation.reason,
      status: operation.status,
      approval: approval?.id ?? null,
      maker: approval?.maker ?? null,
      checker: approval?.checker ?? null,
      comment: approval?.comment ?? null,
      booked_by: bookPlace(operation.number),
      before: operation.before,
      after: operation.after,
      created_at: toRfc3339(operation.created_at),
      done_at: time(operation.done_at),
    };
  });
}

/** Whether money may enter and leave an account. */
export function presentControls(controls: ControlsRow) {
  const { merchant_id, livemode, currency, status, credit_frozen, debit_frozen, refunds_frozen } = controls;
  return {
    object: "account_controls" as const,
    merchant: publicId("merchant", merchant_id),
    ...{ livemode, currency, status, credit_frozen, debit_frozen, refunds_frozen },
  };
}
