import { defineConfig } from "vitest/config";

/** Two projects, so that the slow tests in a real browser can be run, or left out, by themselves. */
export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    globalSetup: ["test/database/global-setup.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "server",
          include: ["{server,sandbox,web,sdk,bench,test}/**/*.test.ts"],
          exclude: ["test/browser/**"],
        },
      },
      { extends: true, test: { name: "browser", include: ["test/browser/**/*.test.ts"] } },
    ],
  },
});
