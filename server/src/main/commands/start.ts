import { type Command, say } from "../command.ts";
import { readConfig } from "../config.ts";
import { prepareDemo } from "../demo/prepare.ts";
import { showDemo } from "../demo/show.ts";
import { readRoles } from "../roles.ts";
import { prepareChannels, startRoles } from "../running.ts";
import { waitForStop } from "../stop-signal.ts";

/** `tributary start`: runs the platform until it is asked to stop. */
export const startCommand: Command = {
  usage: "start",
  summary: "Run Tributary until Ctrl-C",
  options: [{ flags: "--roles <names>", description: "api, worker, sandbox (comma-separated) or all" }],
  run: async (_args, options) => {
    // Listened for from the start, so that Ctrl-C during the start also stops in order.
    const stopped = waitForStop();
    const config = readConfig();
    const everything = config.mode === "demo" ? "all" : "api,worker";
    const roles = readRoles(typeof options.roles === "string" ? options.roles : everything);
    const running = await startRoles(config, roles, say);
    try {
      if (config.mode === "demo" && roles.has("api") && running.sandbox_url) {
        const demo = await prepareDemo(running.services, config, running.sandbox_url);
        await prepareChannels(running.services);
        await showDemo(running.services, config, demo, say);
      }
      say("Tributary is up. Press Ctrl-C to stop.");
      await stopped;
    } finally {
      await running.stop();
    }
    say("Tributary has stopped.");
  },
};
