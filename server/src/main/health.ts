import type { ApiServer } from "../kit/http/api.ts";
import { platformStatement } from "../kit/sql/statement.ts";
import { isAnyWorkerAlive } from "./heartbeat.ts";
import { readMigrations } from "./migrate.ts";
import type { Services } from "./services.ts";

const countMigrations = platformStatement("health.migrations", "select count(*)::int as count from migrations");

interface Checks {
  database: "ok" | "unreachable";
  migrations: "ok" | "behind";
  workers: "ok" | "none";
}

const CHECKS_TTL_MS = 1_000;

/**
 * `GET /healthz`: this process answers. `GET /readyz`: the database answers, knows this release's tables, and some
 * process works; 503 with what is missing otherwise. Neither needs a key, and neither tells more than that. The database
 * is asked once a second at most, so that nobody can keep it busy from here.
 */
export function registerHealth(server: ApiServer, services: Services): void {
  const expected = readMigrations().length;
  server.get("/healthz", { schema: { hide: true } }, () => ({ status: "ok" }));
  let latest: { at: number; checks: Promise<Checks> } | undefined;
  server.get("/readyz", { schema: { hide: true } }, async (_request, reply) => {
    const now = services.clock.now();
    if (!latest || Math.abs(now - latest.at) >= CHECKS_TTL_MS) latest = { at: now, checks: check(services, expected) };
    const checks = await latest.checks;
    const ready = Object.values(checks).every((result) => result === "ok");
    return reply.code(ready ? 200 : 503).send({ status: ready ? "ready" : "not_ready", checks });
  });
}

async function check({ db, clock }: Services, expected: number): Promise<Checks> {
  const checks: Checks = { database: "ok", migrations: "ok", workers: "ok" };
  try {
    const [row] = await db.query<{ count: number }>(countMigrations);
    if ((row?.count ?? 0) < expected) checks.migrations = "behind";
    else if (!(await isAnyWorkerAlive(db, clock.now()))) checks.workers = "none";
  } catch {
    checks.database = "unreachable";
  }
  return checks;
}
