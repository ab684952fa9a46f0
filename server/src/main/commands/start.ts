import { type Command, say } from "../command.ts";
import { readConfig } from "../config.ts";
import { openDatabase } from "../database.ts";
import { migrate } from "../migrate.ts";
import { waitForStop } from "../stop-signal.ts";

/** `tributary start`: runs the platform until it is asked to stop. */
export const startCommand: Command = {
  usage: "start",
  summary: "Run Tributary until Ctrl-C",
  options: [],
  run: async () => {
    // Listened for from the start, so that Ctrl-C during the start also stops in order.
    const stopped = waitForStop();
    const database = await openDatabase(readConfig(), say);
    try {
      await migrate(database.url);
      say("Tributary is up. Press Ctrl-C to stop.");
      await stopped;
    } finally {
      database.markStopping();
      await database.stop();
    }
    say("Tributary has stopped.");
  },
};
