import { createGroup } from "../../kit/sql/group-commit.ts";
import { rerunAfterRace } from "../idempotency/index.ts";
import { loadAttempts } from "./attempt-store.ts";
import { writeAttempts } from "./create-attempt.ts";
import { writePayments } from "./create-payment.ts";
import { writeOutcomes } from "./record-outcomes.ts";
import type { PaymentGroups, PaymentServices } from "./services.ts";

/** Puts the module together: what it is given, and its groups. */
export function createPaymentServices(given: Omit<PaymentServices, "groups">): PaymentServices {
  const services: PaymentServices = {
    ...given,
    // The groups run use cases of these very services.
    get groups() {
      return groups;
    },
  };
  const groups = createPaymentGroups(services);
  return services;
}

/** On a distributed database each group keeps to one merchant. */
function createPaymentGroups(services: PaymentServices): PaymentGroups {
  const { distributed } = services.settings;
  return {
    create: createGroup({
      name: "payment.create",
      // Half of what busy callers wait for: while one half is committed, the other is answered and the next one read.
      batch_max: 32,
      in_flight_max: 2,
      run: (items) => rerunAfterRace(() => writePayments(services, items)),
      ...(distributed ? { key: (item) => item.payment.merchant_id } : {}),
    }),
    startAttempt: createGroup({
      name: "payment.start_attempt",
      batch_max: 64,
      in_flight_max: 2,
      run: (items) => rerunAfterRace(() => writeAttempts(services, items)),
      ...(distributed ? { key: (item) => item.payment.merchant_id } : {}),
    }),
    recordOutcome: createGroup({
      name: "payment.record_outcome",
      batch_max: 128,
      run: (items) => writeOutcomes(services, items),
      ...(distributed ? { key: (item) => item.merchant_id } : {}),
    }),
    loadAttempt: createGroup({
      name: "payment.load_attempt",
      batch_max: 128,
      run: async (keys) => {
        const attempts = await loadAttempts(services.db, keys);
        return keys.map(({ merchant_id, id }) => {
          const attempt = attempts.get(id);
          // The same number may be asked for in the name of several merchants at once; only one of them has it.
          return attempt?.merchant_id === merchant_id ? attempt : undefined;
        });
      },
      ...(distributed ? { key: (key) => key.merchant_id } : {}),
    }),
  };
}
