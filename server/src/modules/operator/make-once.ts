import type { FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../../kit/clock.ts";
import type { Database, Transaction } from "../../kit/sql/database.ts";
import { findKeys, idempotencyErrors, readRequestKey, rerunAfterRace, storeKeys } from "../idempotency/index.ts";

/** People's keys are kept under the platform itself, each person's apart. */
const PLATFORM = "00000000-0000-0000-0000-000000000000";

/**
 * Makes something once for each `Idempotency-Key` of an operator, or of another person where `user_id` names one: the key is stored in the transaction of the effect. A
 * repetition makes nothing and gives the id of what the first made, with the header `Idempotent-Replayed: true`.
 * @param make gives what was made, with its UUID; run again where it lost a race.
 * @throws idempotency.key_reused
 */
export async function makeOnce<Made extends { readonly id: string }>(
  { db, clock }: { db: Database; clock: Clock },
  of: { request: FastifyRequest; reply: FastifyReply; object_type: string; user_id?: string },
  make: (tx: Transaction) => Promise<Made>,
): Promise<{ readonly made: Made } | { readonly replayed: string }> {
  const { request, reply, object_type, user_id = request.operator.user_id } = of;
  const given = readRequestKey(request);
  if (given === undefined) return { made: await db.transaction(make) };
  const owner = { merchant_id: PLATFORM, app_id: user_id, livemode: true };
  const key = { ...owner, ...given };
  const result = await rerunAfterRace(() =>
    db.transaction(async (tx) => {
      const [state] = await findKeys(tx, [key]);
      if (state?.kind === "conflict") throw idempotencyErrors["idempotency.key_reused"]();
      if (state?.kind === "replay") return { replayed: state.object_id };
      const made = await make(tx);
      await storeKeys(tx, [{ ...key, object_type, object_id: made.id, created_at: clock.now() }]);
      return { made };
    }),
  );
  if ("replayed" in result) reply.header("idempotent-replayed", "true");
  return result;
}
