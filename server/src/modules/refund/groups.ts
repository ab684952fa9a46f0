import { brokenConstraint } from "../../kit/sql/database.ts";
import { createGroup } from "../../kit/sql/group-commit.ts";
import { rerunAfterRace } from "../idempotency/index.ts";
import { writeRefunds } from "./create-refund.ts";
import { writeRefundOutcomes } from "./record-refund-outcomes.ts";
import type { RefundGroups, RefundServices } from "./services.ts";

/** Puts the module together: what it is given, and its groups. */
export function createRefundServices(given: Omit<RefundServices, "groups">): RefundServices {
  const services: RefundServices = {
    ...given,
    // The groups run use cases of these very services.
    get groups() {
      return groups;
    },
  };
  const groups = createRefundGroups(services);
  return services;
}

/** Another process used the out_refund_no first, for another payment: payments of one number share no lock. */
function tookNumber(error: unknown): boolean {
  return brokenConstraint(error) === "refunds_merchant_id_app_id_livemode_out_refund_no_key";
}

/** On a distributed database each group keeps to one merchant. */
function createRefundGroups(services: RefundServices): RefundGroups {
  const { distributed } = services.settings;
  return {
    create: createGroup({
      name: "refund.create",
      batch_max: 64,
      run: (items) => rerunAfterRace(() => writeRefunds(services, items), tookNumber),
      ...(distributed ? { key: (item) => item.payment.merchant_id } : {}),
    }),
    recordOutcome: createGroup({
      name: "refund.record_outcome",
      batch_max: 64,
      run: (items) => writeRefundOutcomes(services, items),
      ...(distributed ? { key: (item) => item.merchant_id } : {}),
    }),
  };
}
