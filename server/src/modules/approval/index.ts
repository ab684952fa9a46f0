/** Approvals: what one person asks for and another decides. The only door of the module. */
export type { Approval, ApprovalPolicy, ApprovalStatus, Maker } from "./approval.ts";
export { carryOutApproval } from "./carry-out.ts";
export { cancelApproval, type Decision, decideApproval, withdrawApproval } from "./decide-approval.ts";
export { approvalErrors } from "./errors.ts";
export { createApprovalWorker } from "./jobs.ts";
export { setApprovalPolicy } from "./policies.ts";
export { presentApprovals } from "./present-approval.ts";
export { type ApprovalRequest, type RequestedApproval, requestApproval } from "./request-approval.ts";
export { registerApprovalRoutes } from "./routes/index.ts";
export { ApprovalObject } from "./routes/schemas.ts";
export { type AfterCommit, type ApprovalHandler, type ApprovalServices, registerApprovalHandlers } from "./services.ts";
export {
  type ApprovalFilter,
  listApprovals,
  loadApproval,
  loadApprovals,
  loadPolicies as loadApprovalPolicies,
} from "./store.ts";
