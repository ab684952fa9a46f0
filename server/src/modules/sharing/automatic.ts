/** Sharing at payment: what is asked at its creation or by rule, scheduled when it is paid. */
import { invariant } from "../../kit/error.ts";
import { encodeUuid } from "../../kit/id.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import type { Attempt, Payment, PaymentSharing } from "../payment/index.ts";
import { newOrder } from "./new-order.ts";
import { insertOrder } from "./order-store.ts";
import { resolvePlan } from "./resolve-shares.ts";
import { loadPolicy } from "./rule-store.ts";
import type { SharingServices } from "./services.ts";
import { BOOKS, type SharingOrder } from "./sharing.ts";

/** What the payment module asks. */
export function createPaymentSharing(services: Pick<SharingServices, "db" | "ids" | "rules">): PaymentSharing {
  return {
    async plan(caller, asked) {
      if (asked !== undefined) return resolvePlan(services.db, caller, asked);
      return (await services.rules.find(caller)) ?? null;
    },
    async start(tx, paid, at) {
      for (const { payment, attempt } of paid) await schedule(services, tx, payment, attempt, at);
    },
  };
}

/** Nothing is claimed yet: whatever is wrong with the sharing, the payment has succeeded. */
async function schedule(
  { ids }: Pick<SharingServices, "ids">,
  tx: Transaction,
  payment: Payment,
  attempt: Attempt,
  now: number,
): Promise<void> {
  const plan = payment.sharing;
  invariant(plan, "only what has a plan is scheduled");
  const id = ids.uuid();
  const order: SharingOrder = {
    ...newOrder(
      { payment, attempt, id, app_id: payment.app_id, now },
      {
        ...{ out_sharing_no: null, request_hash: null, release_rest: plan.release },
        refund_policy: await loadPolicy(tx, payment),
      },
    ),
    // Its lane is known when its parts are: the channel may be one that shares nothing.
    ...{ status: "scheduled", lane: BOOKS, plan, sharing_no: encodeUuid(id) },
  };
  await insertOrder(tx, order, now);
}
