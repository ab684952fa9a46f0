import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{server,sandbox,web,sdk,bench,test}/**/*.test.ts"],
    globalSetup: ["test/database/global-setup.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
