import { createGroup } from "../../kit/sql/group-commit.ts";
import { writeRefunds } from "./create-refund.ts";
import { writeRefundOutcomes } from "./record-refund-outcomes.ts";
import type { RefundGroups, RefundServices } from "./services.ts";

/** Makes the module's groups. On a distributed database each group keeps to one merchant. */
export function createRefundGroups(services: RefundServices): RefundGroups {
  const { distributed } = services.settings;
  return {
    create: createGroup({
      name: "refund.create",
      batch_max: 64,
      run: (items) => writeRefunds(services, items),
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
