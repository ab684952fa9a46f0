/** The wire shape of approvals. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { loadUsers, type User } from "../user/index.ts";
import type { Approval, Maker } from "./approval.ts";
import type { ApprovalServices } from "./services.ts";

/** Approvals as operators see them, with the names of makers and checkers. */
export async function presentApprovals(
  services: Pick<ApprovalServices, "handlers"> & { readonly db: Sql },
  approvals: readonly Approval[],
) {
  const ids = approvals.flatMap(({ maker, checker_id }) => [
    ...(maker.type === "user" ? [maker.id] : []),
    ...(checker_id === null ? [] : [checker_id]),
  ]);
  const users = await loadUsers(services.db, ids);
  return approvals.map((approval) => presentApproval(services, approval, users));
}

function presentApproval(
  { handlers }: Pick<ApprovalServices, "handlers">,
  approval: Approval,
  users: ReadonlyMap<string, User>,
) {
  const { kind, status, livemode, payload, amount, currency, reason, comment, checker_id, subject_id } = approval;
  const subject_kind = handlers.get(kind)?.subject;
  return {
    id: publicId("approval", approval.id),
    object: "approval" as const,
    kind,
    status,
    merchant: approval.merchant_id === null ? null : publicId("merchant", approval.merchant_id),
    livemode,
    subject: subject_id === null || subject_kind === undefined ? null : publicId(subject_kind, subject_id),
    details: payload,
    amount: amount === null ? null : Number(amount),
    currency,
    reason,
    maker: presentMaker(approval.maker, users),
    checker: checker_id === null ? null : presentUser(checker_id, users),
    comment,
    created_at: toRfc3339(approval.created_at),
    expires_at: toRfc3339(approval.expires_at),
    decided_at: approval.decided_at === null ? null : toRfc3339(approval.decided_at),
    carried_out_at: approval.carried_out_at === null ? null : toRfc3339(approval.carried_out_at),
    problem: approval.problem,
  };
}

function presentUser(id: string, users: ReadonlyMap<string, User>) {
  const user = users.get(id);
  return { type: "user" as const, id: publicId("user", id), email: user?.email ?? null, name: user?.name ?? null };
}

function presentMaker(maker: Maker, users: ReadonlyMap<string, User>) {
  if (maker.type === "user") return presentUser(maker.id, users);
  const id = maker.type === "system" ? null : publicId("api_key", maker.id);
  return { type: maker.type, id, email: null, name: null };
}
