import { StartError } from "./start-error.ts";

/** What one process does. Any number of each may run against one database. */
const roles = ["api", "worker", "sandbox"] as const;
export type Role = (typeof roles)[number];

/** Reads `api,worker` or `all`. Throws `StartError` for anything else. */
export function readRoles(text: string): ReadonlySet<Role> {
  if (text === "all") return new Set(roles);
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !roles.includes(name as Role));
  if (unknown === undefined) return new Set(names as Role[]);
  throw new StartError(`There is no role "${unknown}": give --roles some of ${roles.join(", ")}, or all.`);
}
