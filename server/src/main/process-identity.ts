import { spawnSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";

/**
 * A string that tells one process from a later one with the same number: boot and start time on Linux, the start time
 * elsewhere. Undefined when no such process is alive; a zombie counts as dead.
 */
export function describeProcess(pid: number): string | undefined {
  if (pid <= 0) return undefined;
  if (process.platform === "linux") {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      // The command name stands in brackets and may itself hold spaces and brackets; fields count from behind it.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (fields[0] === "Z" || fields[0] === "X") return undefined;
      return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}:${fields[19]}`;
    } catch {
      return undefined;
    }
  }
  const found = spawnSync("ps", ["-o", "lstart=,stat=", "-p", String(pid)], { encoding: "utf8" });
  const line = found.stdout?.trim() ?? "";
  return line === "" || / Z\S*$/.test(line) ? undefined : line.replace(/\s+\S+$/, "");
}

/** Whether process `pid` is a PostgreSQL server running on this cluster folder, not a stranger with a reused number. */
export function isPostgresOf(pid: number, cluster: string): boolean {
  if (describeProcess(pid) === undefined) return false;
  if (process.platform === "linux") {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === cluster;
    } catch {
      return false;
    }
  }
  const found = spawnSync("ps", ["-o", "command=", "-p", String(pid)], { encoding: "utf8" });
  return found.stdout?.includes(cluster) ?? false;
}
