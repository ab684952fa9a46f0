import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { cutPage, ListOf, pageProperties, readPage, toList } from "../../../../kit/http/pagination.ts";
import { parsePublicId } from "../../../../kit/id.ts";
import { getMerchant, merchantErrors } from "../../../merchant/index.ts";
import { loadControls } from "../../control-store.ts";
import { accountErrors } from "../../errors.ts";
import { listOperations, loadOperation } from "../../operation-store.ts";
import { presentControls, presentOperations } from "../../present-operation.ts";
import type { AccountOperationServices } from "../../services.ts";
import { ControlsObject, OperationObject, OperationStatusChoice, OperationType } from "../schemas.ts";

const PATH = "/operator/v1/account_operations";
const tags = ["Operator: accounts"];
const Params = Type.Object({ id: Type.String({ maxLength: 64 }) });

const Query = Type.Object({
  ...pageProperties,
  merchant: Type.Optional(Type.String({ maxLength: 64 })),
  livemode: Type.Optional(Type.Boolean()),
  currency: Type.Optional(Type.String({ pattern: "^[A-Z]{3}$" })),
  type: Type.Optional(OperationType),
  status: Type.Optional(OperationStatusChoice),
});

/** `GET /operator/v1/account_operations`, `…/:id`, and what each account of a merchant lets through. */
export function registerReadOperations(operator: ApiServer, services: AccountOperationServices): void {
  const { db } = services;
  const names = { ...services.approval, db };
  operator.get(
    PATH,
    {
      schema: {
        operationId: "listAccountOperations",
        tags,
        summary: "List account operations",
        description:
          "The history of an account, or of all: what was asked for, by whom, who decided, before and after.",
        querystring: Query,
        response: { 200: ListOf(OperationObject) },
      },
    },
    async ({ query }) => {
      const page = readPage(query, "account_operation");
      const { livemode = null, currency = null, type = null, status = null, merchant } = query;
      const merchant_id = merchant === undefined ? null : parsePublicId("merchant", merchant);
      if (merchant_id === undefined) return toList([], false, PATH);
      const found = await listOperations(db, { merchant_id, livemode, currency, type, status }, page);
      const { rows, has_more } = cutPage(page, found);
      return toList(await presentOperations(names, rows), has_more, PATH);
    },
  );
  operator.get(
    `${PATH}/:id`,
    {
      schema: {
        operationId: "readAccountOperation",
        tags,
        summary: "Read an account operation",
        params: Params,
        response: { 200: OperationObject },
      },
    },
    async ({ params }) => {
      const id = parsePublicId("account_operation", params.id);
      const operation = id && (await loadOperation(db, id));
      if (!operation) throw accountErrors["account_operation.not_found"]();
      return (await presentOperations(names, [operation]))[0]!;
    },
  );
  operator.get(
    "/operator/v1/merchants/:id/account_controls",
    {
      schema: {
        operationId: "listAccountControls",
        tags,
        summary: "List what a merchant's accounts let through",
        description: "An account that is not listed is open and not frozen.",
        params: Params,
        response: { 200: Type.Object({ object: Type.Literal("list"), data: Type.Array(ControlsObject) }) },
      },
    },
    async ({ params }) => {
      const merchant_id = parsePublicId("merchant", params.id);
      if (merchant_id === undefined) throw merchantErrors["merchant.not_found"]();
      await getMerchant(db, merchant_id);
      return { object: "list" as const, data: (await loadControls(db, merchant_id)).map(presentControls) };
    },
  );
}
