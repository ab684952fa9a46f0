import type { ApiServer } from "../../../kit/http/api.ts";
import type { ApprovalServices } from "../services.ts";
import { registerDecideApproval } from "./decide-approval/route.ts";
import { registerReadApprovals } from "./read-approvals/route.ts";

/** Registers the routes of approvals, in the operators' scope. */
export function registerApprovalRoutes(operator: ApiServer, services: ApprovalServices): void {
  registerReadApprovals(operator, services);
  registerDecideApproval(operator, services);
}
