import { type Static, Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { type IdKind, parsePublicId } from "../../../../kit/id.ts";
import { readEntryPlace } from "../../../balance/index.ts";
import { merchantErrors } from "../../../merchant/index.ts";
import { makeOnce } from "../../../operator/index.ts";
import { accountErrors } from "../../errors.ts";
import type { OperationInput } from "../../operation.ts";
import { loadOperation } from "../../operation-store.ts";
import { presentOperations } from "../../present-operation.ts";
import { requestOperation } from "../../request-operation.ts";
import type { AccountOperationServices } from "../../services.ts";
import { AccountChoice, DirectionChoice, OperationObject, OperationType, ScopeChoice } from "../schemas.ts";

const Body = Type.Object({
  merchant: Type.String({ maxLength: 64 }),
  livemode: Type.Boolean({ description: "Which of the merchant's two books." }),
  currency: Type.String({ pattern: "^[A-Z]{3}$" }),
  type: OperationType,
  reason: Type.String({ minLength: 1, maxLength: 500, description: "Why; kept, and shown to the checker." }),
  scope: Type.Optional(ScopeChoice),
  include_refunds: Type.Optional(
    Type.Boolean({
      description: "freeze of debit or all: stops refunds too. They are the payer's right, so not unless given.",
    }),
  ),
  account: Type.Optional(AccountChoice),
  direction: Type.Optional(DirectionChoice),
  amount: Type.Optional(
    Type.Integer({ minimum: 1, description: "freeze_amount, adjust; release_amount: all that is left unless given." }),
  ),
  freeze: Type.Optional(Type.String({ maxLength: 64, description: "release_amount: the freeze_amount operation." })),
  transaction: Type.Optional(
    Type.String({ maxLength: 64, description: "reverse: the id of one of its balance entries." }),
  ),
});

/** `POST /operator/v1/account_operations`: done at once, or `pending` until another operator approves. */
export function registerCreateOperation(operator: ApiServer, services: AccountOperationServices): void {
  operator.post(
    "/operator/v1/account_operations",
    {
      schema: {
        operationId: "createAccountOperation",
        tags: ["Operator: accounts"],
        summary: "Open, freeze, release, adjust, correct or close an account",
        description:
          "An account is a merchant's, of one mode and currency. Where a policy asks for a checker the operation is pending until another operator approves it.",
        body: Body,
        response: { 200: OperationObject, 201: OperationObject },
      },
    },
    async (request, reply) => {
      const input = toInput(request.body);
      const maker_id = request.operator.user_id;
      const result = await makeOnce(services, { request, reply, object_type: "account_operation" }, (tx) =>
        requestOperation(tx, services, input, maker_id),
      );
      const isMade = "made" in result;
      if (isMade) result.made.committed();
      const operation = await loadOperation(services.db, isMade ? result.made.id : result.replayed);
      const [shown] = await presentOperations({ ...services.approval, db: services.db }, [operation!]);
      return reply.code(isMade ? 201 : 200).send(shown!);
    },
  );
}

function toInput({ merchant, freeze, transaction, amount, ...rest }: Static<typeof Body>): OperationInput {
  const merchant_id = parsePublicId("merchant", merchant);
  if (merchant_id === undefined) throw merchantErrors["merchant.not_found"]();
  return {
    ...rest,
    merchant_id,
    ...(amount !== undefined && { amount: BigInt(amount) }),
    ...(freeze !== undefined && { freeze_id: readId("account_operation", freeze, "freeze") }),
    ...(transaction !== undefined && {
      reversed_number: readEntryPlace(readId("ledger_transaction", transaction, "transaction")).number,
    }),
  };
}

function readId(kind: IdKind, text: string, param: string): string {
  const id = parsePublicId(kind, text);
  if (id !== undefined) return id;
  const problem = `"${text}" is no id of that kind.`;
  throw accountErrors["account.operation_invalid"]({ param, values: { problem } });
}
