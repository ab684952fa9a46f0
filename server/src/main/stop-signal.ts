/** Longer than any timer needs; it only keeps the process alive while nothing else does. */
const holdMs = 2 ** 30;

/**
 * Resolves with the reason when this process is asked to end: Ctrl-C, a supervisor's SIGTERM, a closed terminal, or
 * the end of the launcher that holds our channel. A second signal ends the process at once; what is on disk is
 * repaired by the next start. The process stays alive until then.
 */
export function waitForStop(): Promise<string> {
  return new Promise((resolve) => {
    const hold = setInterval(() => {}, holdMs);
    let asked = false;
    const ask = (reason: string) => {
      if (asked) process.exit(130);
      asked = true;
      clearInterval(hold);
      resolve(reason);
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => ask(signal));
    // The channel alone must not keep a finished process alive.
    process.once("disconnect", () => ask("launcher ended"));
    process.channel?.unref();
  });
}
