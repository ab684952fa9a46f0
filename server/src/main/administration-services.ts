import { createChannelCaller } from "../channels/call.ts";
import { getChannel } from "../channels/registry.ts";
import { systemClock } from "../kit/clock.ts";
import { createEnvelope } from "../kit/crypto.ts";
import { createIdSource } from "../kit/id.ts";
import { createLogger } from "../kit/log.ts";
import { systemRandom } from "../kit/random.ts";
import { openDatabase } from "../kit/sql/database.ts";
import type { WithPlatform, WithServices } from "./commands/administration.ts";
import { readConfig } from "./config.ts";
import { joinDatabase, requireDatabase } from "./database.ts";
import { loadMasterKeys, requireMasterKeys } from "./master-key.ts";
import { migrate } from "./migrate.ts";
import { createServices } from "./services.ts";

/**
 * Opens what the administering commands work with, beside a running server or alone, and closes it afterwards. Throws
 * `StartError` in a shell without the server's settings, where they would quietly work on another database.
 */
export const withServices: WithServices = async (use) => {
  const config = readConfig();
  requireDatabase(config);
  requireMasterKeys(config);
  // What they print is read by programs, so only the result goes to standard output.
  const tell = (message: string) => void process.stderr.write(`${message}\n`);
  const database = await joinDatabase(config, tell);
  const log = createLogger("warn");
  try {
    await migrate(database.url);
    const [clock, random] = [systemClock, systemRandom];
    const db = openDatabase({ url: database.url, connections_max: 4, log, random });
    const channels = createChannelCaller({ clock, random, log });
    try {
      const master_keys = loadMasterKeys(config, random, tell);
      const envelope = createEnvelope(master_keys, random);
      const ids = createIdSource(clock, random);
      const withPlatform: WithPlatform = async (act) => {
        const settings = { ...config, database_url: database.url };
        const platform = createServices(settings, { clock, random, log, master_keys });
        return act(platform).finally(() => platform.close());
      };
      return await use({ mode: config.mode, db, clock, random, ids, envelope, channels, getChannel, withPlatform });
    } finally {
      await channels.end();
      await db.close();
    }
  } finally {
    await database.stop();
  }
};
