import type { ApprovalHandler } from "../approval/index.ts";
import { carryOut } from "./carry-out.ts";
import { operationTypes } from "./operation.ts";
import { finishOperation, lockOperation } from "./operation-store.ts";
import { approvalKindOf } from "./request-operation.ts";
import type { AccountOperationServices } from "./services.ts";

/** What approvals of operations do: one kind for each type. */
export function createOperationHandlers(services: AccountOperationServices): Record<string, ApprovalHandler> {
  const handler: ApprovalHandler = {
    subject: "account_operation",
    async approve(tx, { merchant_id, subject_id }, afterCommit) {
      await carryOut(services, tx, merchant_id!, subject_id!);
      afterCommit(() => services.kick.webhooks());
    },
    async reject(tx, { merchant_id, subject_id }) {
      const operation = await lockOperation(tx, merchant_id!, subject_id!);
      const declined = { status: "declined", number: null, before: null, after: null, done_at: null } as const;
      await finishOperation(tx, operation!, declined);
    },
  };
  return Object.fromEntries(operationTypes.map((type) => [approvalKindOf(type), handler]));
}
