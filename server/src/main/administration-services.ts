import { getChannel } from "../channels/registry.ts";
import { systemClock } from "../kit/clock.ts";
import { createEnvelope } from "../kit/crypto.ts";
import { createIdSource } from "../kit/id.ts";
import { createLogger } from "../kit/log.ts";
import { systemRandom } from "../kit/random.ts";
import { openDatabase } from "../kit/sql/database.ts";
import type { WithServices } from "./commands/administration.ts";
import { readConfig } from "./config.ts";
import { joinDatabase } from "./database.ts";
import { loadMasterKeys } from "./master-key.ts";
import { migrate } from "./migrate.ts";

/** Opens what the administering commands work with, beside a running server or alone, and closes it afterwards. */
export const withServices: WithServices = async (use) => {
  const config = readConfig();
  // What they print is read by programs, so only the result goes to standard output.
  const quiet = () => {};
  const database = await joinDatabase(config, quiet);
  const log = createLogger("warn");
  try {
    await migrate(database.url);
    const [clock, random] = [systemClock, systemRandom];
    const db = openDatabase({ url: database.url, connections_max: 2, log, random });
    try {
      const envelope = createEnvelope(loadMasterKeys(config, random, quiet), random);
      return await use({ db, clock, random, ids: createIdSource(clock, random), envelope, getChannel });
    } finally {
      await db.close();
    }
  } finally {
    await database.stop();
  }
};
