#!/usr/bin/env node
// `npm test`: types, lint, tests and browser tests, from a fresh clone on any Node from 20 on. Arguments go to vitest.
// The last line is the sum: each test counts one, and so do types and lint.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { ensureInstalled, findNode, root } from "./lib/install.mjs";

ensureInstalled();
const node = findNode();
const filters = process.argv.slice(2);
const reports = mkdtempSync(join(tmpdir(), "test-reports-"));

const checks = [
  { name: "types", script: "typescript/bin/tsc", args: ["--noEmit"] },
  { name: "types in the browser", script: "typescript/bin/tsc", args: ["--noEmit", "-p", "web/cashier/browser"] },
  { name: "lint", script: "@biomejs/biome/bin/biome", args: ["check", "."] },
];
const suites = [
  { name: "tests", project: "server" },
  { name: "browser tests", project: "browser" },
];

/** Runs a script of an installed package with Node 24, which is also the `node` of whatever it starts. */
function run(script, args) {
  const { status } = spawnSync(node, [join(root, "node_modules", script), ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ""}` },
  });
  return status === 0;
}

function check({ script, args }) {
  const passed = run(script, args);
  return { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
}

function testSuite({ project }) {
  const report = join(reports, `${project}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const passed = run("vitest/vitest.mjs", ["run", "--project", project, "--passWithNoTests", ...reporters, ...filters]);
  const counts = countTests(report);
  // An error outside any test fails the run too and must show in the sum.
  if (!passed && counts.failed === 0) counts.failed = 1;
  return counts;
}

function countTests(report) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
      readFileSync(report, "utf8"),
    );
    const broken = testResults.filter(
      ({ status, assertionResults }) => status === "failed" && !assertionResults.length,
    );
    return {
      passed: numPassedTests,
      failed: numFailedTests + broken.length,
      skipped: numPendingTests + numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}

const total = { passed: 0, failed: 0, skipped: 0 };
const summary = [];
for (const [work, steps] of [
  [check, checks],
  [testSuite, suites],
]) {
  for (const step of steps) {
    const startedAt = performance.now();
    const counts = work(step);
    for (const key of Object.keys(total)) total[key] += counts[key];
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    const line = `${step.name}: ${counts.failed === 0 ? "passed" : "FAILED"} in ${seconds} s`;
    summary.push(line);
    console.log(`${line}\n`);
  }
}
rmSync(reports, { recursive: true, force: true });
console.log(summary.join("\n"));
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
process.exit(total.failed === 0 ? 0 : 1);
