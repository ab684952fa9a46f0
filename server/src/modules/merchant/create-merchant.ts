import type { Clock } from "../../kit/clock.ts";
import type { IdSource } from "../../kit/id.ts";
import { isTimeZone } from "../../kit/local-day.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { merchantErrors } from "./errors.ts";
import type { Merchant } from "./merchant.ts";
import { insertMerchant } from "./store.ts";

const NAME_LENGTH_MAX = 100;

/**
 * Creates an active merchant.
 * @param input.kind an agent's entry is made with the agent; a merchant unless given.
 * @param input.time_zone IANA name; Asia/Shanghai unless given.
 * @throws merchant.invalid
 */
export async function createMerchant(
  services: { sql: Sql; clock: Clock; ids: IdSource },
  input: { name: string; kind?: Merchant["kind"]; time_zone?: string },
): Promise<Merchant> {
  const merchant: Merchant = {
    id: services.ids.uuid(),
    name: checkName(input.name),
    kind: input.kind ?? "merchant",
    status: "active",
    time_zone: checkTimeZone(input.time_zone ?? "Asia/Shanghai"),
    created_at: services.clock.now(),
  };
  await insertMerchant(services.sql, merchant);
  return merchant;
}

/** @throws merchant.invalid */
export function checkName(name: string): string {
  const trimmed = name.trim();
  if (trimmed.length > 0 && trimmed.length <= NAME_LENGTH_MAX && !trimmed.includes("\0")) return trimmed;
  const problem = `name must have 1 to ${NAME_LENGTH_MAX} characters.`;
  throw merchantErrors["merchant.invalid"]({ param: "name", values: { problem } });
}

function checkTimeZone(name: string): string {
  if (isTimeZone(name)) return name;
  const problem = "time_zone must be an IANA name such as Asia/Shanghai.";
  throw merchantErrors["merchant.invalid"]({ param: "time_zone", values: { problem } });
}
