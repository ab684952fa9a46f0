import type { ApiServer } from "../../../kit/http/api.ts";
import type { AccountOperationServices } from "../services.ts";
import { registerCreateOperation } from "./create-operation/route.ts";
import { registerReadOperations } from "./read-operations/route.ts";

/** Registers the routes of account operations, in the operators' scope. */
export function registerAccountOperationRoutes(operator: ApiServer, services: AccountOperationServices): void {
  registerCreateOperation(operator, services);
  registerReadOperations(operator, services);
}
