import type { Config } from "./config.ts";
import type { Role } from "./roles.ts";

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|::1)$/;

/**
 * A demo trusts whoever reaches it, so the person at the terminal is told when that is not this machine alone. Undefined
 * when there is nothing to tell.
 */
export function describeExposure(
  { mode, host, sandbox_host }: Pick<Config, "mode" | "host" | "sandbox_host">,
  roles: ReadonlySet<Role>,
): string | undefined {
  if (mode !== "demo") return undefined;
  const open = [
    ...(roles.has("api") && !LOOPBACK.test(host) ? [`HOST=${host}`] : []),
    ...(roles.has("sandbox") && !LOOPBACK.test(sandbox_host) ? [`SANDBOX_HOST=${sandbox_host}`] : []),
  ];
  if (open.length === 0) return undefined;
  return `This demo listens beyond this machine (${open.join(", ")}): whoever reaches it can use it. Trust that network.`;
}
