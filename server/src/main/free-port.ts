import { createServer } from "node:net";
import { systemRandom } from "../kit/random.ts";

/** Whether nobody listens on this port of 127.0.0.1. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ port, host: "127.0.0.1", exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/**
 * Below the ports that operating systems give to outgoing connections (from 32768 or 49152 on), which come and go by
 * the thousand, and would take a free port again before it is listened on.
 */
const FIRST_PORT = 20_000;
const LAST_PORT = 32_000;
const TRIES_MAX = 100;

/** A port of 127.0.0.1 that was free a moment ago, and that no outgoing connection takes. */
export async function findFreePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = FIRST_PORT + Math.floor(systemRandom.unit() * (LAST_PORT - FIRST_PORT));
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port was found between ${FIRST_PORT} and ${LAST_PORT}`);
}
