import { type Command, say } from "../command.ts";
import { readConfig } from "../config.ts";
import { joinDatabase } from "../database.ts";
import { migrate } from "../migrate.ts";

/** `tributary migrate`: brings the database up to this release and ends. */
export const migrateCommand: Command = {
  usage: "migrate",
  summary: "Bring the database up to this release",
  options: [],
  run: async () => {
    const database = await joinDatabase(readConfig(), say);
    try {
      const applied = await migrate(database.url);
      for (const { version, name } of applied) say(`Applied ${String(version).padStart(6, "0")}_${name}.sql`);
      say(applied.length === 0 ? "The database is up to date." : `The database is up to date (${applied.length} new).`);
    } finally {
      await database.stop();
    }
  },
};
