import type { TenantKey } from "../../kit/sql/tenant-key.ts";
import { loadAttempts } from "./attempt-store.ts";
import type { Attempt } from "./payment.ts";
import { mustEnd, resolveAttempt } from "./resolve-attempt.ts";
import type { PaymentServices } from "./services.ts";

/**
 * Asks the channel about an attempt, whatever we believe of it, and records the answer: somebody has reason to think that
 * it was paid. Gives the attempt as it is then; undefined for one that does not exist.
 */
export async function askAttempt(services: PaymentServices, key: TenantKey): Promise<Attempt | undefined> {
  const attempt = (await loadAttempts(services.db, [key])).get(key.id);
  if (!attempt || attempt.status === "succeeded") return attempt;
  return (await resolveAttempt(services, attempt, mustEnd(attempt, services.clock.now()))).attempt;
}
