/**
 * What the channel says was paid or paid back, and we do not have so: the channel is asked, by the payment's and the refund's
 * own paths, which book what it confirms. A bill alone changes nothing.
 */
import { listToAsk, recordAsked } from "./difference-store.ts";
import type { DayKey, Difference } from "./reconciliation.ts";
import type { ReconciliationServices } from "./services.ts";

/** Asked at the same time, and for one matching: more are asked after the next. */
const CONCURRENCY = 8;
const ASKED_MAX = 2_000;

/** Asks about a day's differences, each once. Gives how many of them have succeeded meanwhile. */
export async function askChannel(services: ReconciliationServices, key: DayKey): Promise<number> {
  const waiting = await listToAsk(services.db, key, ASKED_MAX);
  let healed = 0;
  const next = waiting.values();
  const work = async (): Promise<void> => {
    for (const difference of next) if (await ask(services, difference)) healed += 1;
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return healed;
}

async function ask(services: ReconciliationServices, difference: Difference): Promise<boolean> {
  const { db, clock, log } = services;
  const { id, merchant_id, our_id, entry, type, day } = difference;
  const asked = { merchant_id: merchant_id!, id: our_id! };
  try {
    const answer = await (entry === "refund" ? services.askRefund(asked) : services.askAttempt(asked));
    const result = answer?.status ?? "unknown";
    await recordAsked(db, id, clock.now(), result);
    log.info({ difference: id, day, type, our_id, result }, "the channel was asked about a difference");
    return result === "succeeded";
  } catch (err) {
    // The difference stays, and with it a case: that one could not be asked about keeps no other from being asked about.
    log.error({ err, difference: id }, "the channel could not be asked about a difference");
    return false;
  }
}
