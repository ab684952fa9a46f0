/** Guarantee: the coverage page is what the conformance runs have kept, and no cell of what a channel offers is empty. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { absent } from "../channels/conformance/coverage-own.ts";
import { channels } from "../channels/registry.ts";
import { coveragePagePath, findGaps, readCoverage, renderCoveragePage } from "./coverage-page.ts";

test("the page is up to date", () => {
  const page = readFileSync(coveragePagePath, "utf8");
  expect(page, "run npm run coverage").toBe(renderCoveragePage(readCoverage()));
});

test("every cell that a channel's offers ask for is tested, or says why it cannot be", () => {
  expect(findGaps(readCoverage())).toEqual([]);
});

test("no excuse is kept for what is tested, or for a channel that is gone", () => {
  const coverage = readCoverage();
  const idle = Object.entries(absent).flatMap(([id, cells]) =>
    Object.keys(cells).filter((cell) => !channels[id] || coverage[id]?.has(cell as never)),
  );
  expect(idle).toEqual([]);
});
