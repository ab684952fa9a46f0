import { publicId } from "../../kit/id.ts";
import { currencyExponent } from "../../kit/money.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { type AccountKind, findTransaction } from "../../ledger/index.ts";
import { type Approval, requestApproval } from "../approval/index.ts";
import { entryId } from "../balance/index.ts";
import { getMerchant } from "../merchant/index.ts";
import { accountErrors } from "./errors.ts";
import { findFieldProblem, type Operation, type OperationInput, reversible } from "./operation.ts";
import { insertOperation, loadOperation, lockOperation, saveApprovalId } from "./operation-store.ts";
import type { AccountOperationServices } from "./services.ts";

/** Approvals of operations are of a kind for each type, so that each has a policy of its own. */
export const approvalKindOf = (type: Operation["type"]) => `account.${type}`;

export interface RequestedOperation {
  /** UUID of the operation. */
  readonly id: string;
  readonly operation: Operation;
  /** `pending`, or `approved` where no checker was needed: then it is done. */
  readonly approval: Approval;
  /** To be called once the transaction has committed. */
  readonly committed: () => void;
}

/**
 * Asks for an operation in the caller's transaction; where no checker is needed it is done in it.
 * @throws account.operation_invalid, account_operation.not_found, account.release_too_high, account.not_reversible,
 *   merchant.not_found, approval.invalid, and what `carryOut` throws
 */
export async function requestOperation(
  tx: Transaction,
  services: AccountOperationServices,
  input: OperationInput,
  maker_id: string,
): Promise<RequestedOperation> {
  checkInput(input);
  await getMerchant(tx, input.merchant_id);
  const facts = await completeInput(tx, input);
  const { merchant_id, livemode, currency, type } = input;
  const operation: Operation = {
    ...{ merchant_id, id: services.ids.uuid(), livemode, currency, type, reason: input.reason.trim() },
    ...{ scope: input.scope ?? null, include_refunds: input.include_refunds ?? false },
    ...{ direction: input.direction ?? null, released: 0n, freeze_id: input.freeze_id ?? null },
    ...{ reversed_number: input.reversed_number ?? null, account: facts.account, amount: facts.amount },
    ...{ status: "pending", approval_id: null, number: null, before: null, after: null },
    ...{ created_at: services.clock.now(), done_at: null },
  };
  await insertOperation(tx, operation);
  const weight = operation.amount ?? facts.weight;
  const requested = await requestApproval(tx, services.approval, {
    ...{ kind: approvalKindOf(type), merchant_id, livemode, subject_id: operation.id, reason: input.reason },
    ...{ payload: describe(operation), amount: weight, currency: weight === null ? null : currency },
    maker: { type: "user", id: maker_id },
  });
  await saveApprovalId(tx, operation, requested.approval.id);
  const written = await lockOperation(tx, merchant_id, operation.id);
  return { id: operation.id, operation: written!, ...requested };
}

function checkInput(input: OperationInput): void {
  try {
    currencyExponent(input.currency);
  } catch (cause) {
    const problem = `"${input.currency}" is no currency: give an ISO 4217 code such as CNY.`;
    throw accountErrors["account.operation_invalid"]({ param: "currency", values: { problem }, cause });
  }
  const found = findFieldProblem(input);
  if (found === undefined) return;
  throw accountErrors["account.operation_invalid"]({ param: found.param, values: { problem: found.problem } });
}

/** What the operation is of: asked once when it is asked for, and once more, under locks, when it is done. */
interface Facts {
  readonly account: Operation["account"];
  readonly amount: bigint | null;
  /** By which limits are compared, where the operation has no amount of its own. */
  readonly weight: bigint | null;
}

async function completeInput(tx: Transaction, input: OperationInput): Promise<Facts> {
  const given = { account: input.account ?? null, amount: input.amount ?? null, weight: null };
  if (input.type === "release_amount") return completeRelease(tx, input);
  if (input.type === "reverse") return { ...given, weight: await weighReversal(tx, input, input.reversed_number!) };
  return given;
}

async function completeRelease(tx: Transaction, input: OperationInput): Promise<Facts> {
  const freeze = await loadOperation(tx, input.freeze_id!);
  const isOfAccount =
    freeze?.merchant_id === input.merchant_id &&
    freeze.livemode === input.livemode &&
    freeze.currency === input.currency;
  if (!freeze || !isOfAccount || freeze.type !== "freeze_amount" || freeze.status !== "done") {
    throw accountErrors["account_operation.not_found"]({ param: "freeze" });
  }
  const left = freeze.amount! - freeze.released;
  const amount = input.amount ?? left;
  if (amount > left || left === 0n)
    throw accountErrors["account.release_too_high"]({ param: "amount", values: { left } });
  return { account: freeze.account, amount, weight: null };
}

const OWED: readonly AccountKind[] = [
  "merchant_pending",
  "merchant_available",
  "merchant_frozen",
  "service_fee_receivable",
];

/**
 * What a reversal moves of the merchant's money.
 * @throws account.not_reversible
 */
export async function weighReversal(
  tx: Transaction,
  { merchant_id, livemode, currency }: Pick<Operation, "merchant_id" | "livemode" | "currency">,
  number: bigint,
): Promise<bigint> {
  const found = await findTransaction(tx, { merchant_id, livemode, number }, OWED);
  const refuse = (problem: string) =>
    accountErrors["account.not_reversible"]({ param: "transaction", values: { problem } });
  if (!found) throw refuse("there is no such transaction in this book");
  if (found.currency !== currency) throw refuse(`it is in ${found.currency}`);
  if (found.reversed_by !== null) throw refuse(`${entryId({ number: found.reversed_by, line: 1 })} has taken it back`);
  if (!reversible.has(found.kind)) {
    throw refuse(`it is a ${found.kind}, and only ${[...reversible].join(" and ")} are taken back by hand`);
  }
  // What may be taken back moves one of these accounts, one way.
  return found.gained + found.lost;
}

/** What a checker reads. */
function describe(operation: Operation) {
  const { type, scope, include_refunds, account, direction, freeze_id, reversed_number } = operation;
  return {
    type,
    ...(scope !== null && { scope }),
    ...(include_refunds && { include_refunds }),
    ...(account !== null && { account }),
    ...(direction !== null && { direction }),
    ...(freeze_id !== null && { freeze: publicId("account_operation", freeze_id) }),
    ...(reversed_number !== null && { transaction: entryId({ number: reversed_number, line: 1 }) }),
  };
}
