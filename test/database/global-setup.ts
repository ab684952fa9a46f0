import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "../../server/src/main/embedded-postgres.ts";
import { StartError } from "../../server/src/main/start-error.ts";
import { dropTestDatabases } from "./test-database.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where `createTestDatabase` makes its databases. */
    testPostgres: { url: string; embedded: boolean };
  }
}

/** Runs at the same time, by several people or agents in one checkout, take a server each. */
const serversMax = 8;

/** Tests lose nothing when the machine crashes, so they need not wait for the disk. */
const settings = { fsync: "off", synchronous_commit: "off", full_page_writes: "off", max_connections: "200" };

/**
 * Gives the run one PostgreSQL: that of `TEST_DATABASE_URL` or `DATABASE_URL` if set, an embedded one otherwise.
 * The embedded one's folder is kept, so later runs start in a fraction of a second and find their template made.
 */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const given = process.env.TEST_DATABASE_URL ?? process.env.DATABASE_URL;
  if (given !== undefined && given !== "") {
    project.provide("testPostgres", { url: given, embedded: false });
    return undefined;
  }
  const server = await startFirstFree();
  await dropTestDatabases(server.url);
  project.provide("testPostgres", { url: server.url, embedded: true });
  return server.stop;
}

async function startFirstFree(): Promise<EmbeddedPostgres> {
  for (let number = 1; ; number += 1) {
    const dataDir = fileURLToPath(new URL(`../../.data/test-postgres-${number}`, import.meta.url));
    try {
      return await startEmbeddedPostgres({ dataDir, settings, patient: false, log: () => {} });
    } catch (error) {
      const busy = error instanceof StartError && error.message.includes("already running");
      if (!busy || number === serversMax) throw error;
    }
  }
}
