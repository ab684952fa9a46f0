import type { ApiServer } from "../kit/http/api.ts";
import { platformStatement } from "../kit/sql/statement.ts";
import { isAnyWorkerAlive } from "./heartbeat.ts";
import { readMigrations } from "./migrate.ts";
import type { Services } from "./services.ts";

const countMigrations = platformStatement("health.migrations", "select count(*)::int as count from migrations");

/**
 * `GET /healthz`: this process answers. `GET /readyz`: the database answers, knows this release's tables, and some
 * process works; 503 with what is missing otherwise. Neither needs a key, and neither tells more than that.
 */
export function registerHealth(server: ApiServer, services: Services): void {
  const expected = readMigrations().length;
  server.get("/healthz", { schema: { hide: true } }, () => ({ status: "ok" }));
  server.get("/readyz", { schema: { hide: true } }, async (_request, reply) => {
    const checks = { database: "ok", migrations: "ok", workers: "ok" };
    try {
      const [row] = await services.db.query<{ count: number }>(countMigrations);
      if ((row?.count ?? 0) < expected) checks.migrations = "behind";
      else if (!(await isAnyWorkerAlive(services.db, services.clock.now()))) checks.workers = "none";
    } catch {
      checks.database = "unreachable";
    }
    const ready = Object.values(checks).every((check) => check === "ok");
    return reply.code(ready ? 200 : 503).send({ status: ready ? "ready" : "not_ready", checks });
  });
}
