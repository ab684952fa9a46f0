/** Releasing before the time: one operator asks for it, another decides. */
import { publicId } from "../../kit/id.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { type Approval, type ApprovalHandler, requestApproval } from "../approval/index.ts";
import { reserveErrors } from "./errors.ts";
import { releaseApart, takeReserves } from "./release-reserves.ts";
import { heldOf } from "./reserve.ts";
import type { ReserveServices } from "./services.ts";
import { loadReserves } from "./store.ts";

/** The kind of approvals by which reserves are released early. */
export const RESERVE_RELEASE_APPROVAL = "reserve_release";

export interface EarlyRelease {
  readonly merchant_id: string;
  /** UUID of the part. */
  readonly reserve_id: string;
  /** All that is held unless given. */
  readonly amount?: bigint | undefined;
  /** Why, in the maker's words. */
  readonly reason: string;
  /** UUID of the operator who asks. */
  readonly maker_id: string;
}

/**
 * Asks for a part's release. Nothing moves before another operator approves.
 * @throws reserve.not_found, reserve.amount_exceeds_held, approval.invalid
 */
export async function requestEarlyRelease(services: ReserveServices, wanted: EarlyRelease): Promise<Approval> {
  return services.db.transaction((tx) => askEarlyRelease(tx, services, wanted));
}

/** The same in the caller's transaction. */
export async function askEarlyRelease(
  tx: Transaction,
  services: ReserveServices,
  wanted: EarlyRelease,
): Promise<Approval> {
  const { merchant_id, reserve_id: id, reason, maker_id } = wanted;
  const [reserve] = await loadReserves(tx, [{ merchant_id, id }]);
  if (!reserve) throw reserveErrors["reserve.not_found"]();
  const held = heldOf(reserve);
  const amount = wanted.amount ?? held;
  checkAmount(amount, held);
  const { approval } = await requestApproval(tx, services.approval, {
    ...{ kind: RESERVE_RELEASE_APPROVAL, merchant_id, livemode: reserve.livemode, subject_id: id },
    payload: { reserve: publicId("reserve", id), amount: String(amount) },
    ...{ amount, currency: reserve.currency, reason, maker: { type: "user", id: maker_id }, check: "always" },
  });
  return approval;
}

function checkAmount(amount: bigint, held: bigint): void {
  if (amount <= 0n || amount > held) {
    throw reserveErrors["reserve.amount_exceeds_held"]({ values: { held: String(held) } });
  }
}

/** Releases what was approved, if the part still holds it. */
export function reserveReleaseHandler(services: ReserveServices): ApprovalHandler {
  return {
    async approve(tx, { merchant_id, subject_id, amount }, afterCommit) {
      const [reserve] = await takeReserves(tx, [{ merchant_id: merchant_id!, id: subject_id! }]);
      checkAmount(amount!, heldOf(reserve!));
      await releaseApart(services, tx, reserve!, amount!);
      afterCommit(services.kick.webhooks);
    },
  };
}
