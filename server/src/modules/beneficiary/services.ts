import type { Clock } from "../../kit/clock.ts";
import type { Envelope } from "../../kit/crypto.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Random } from "../../kit/random.ts";
import type { Database } from "../../kit/sql/database.ts";

/** What the use cases of this module need. */
export interface BeneficiaryServices {
  db: Database;
  clock: Clock;
  random: Random;
  ids: IdSource;
  envelope: Envelope;
}
