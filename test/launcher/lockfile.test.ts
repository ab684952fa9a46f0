// Guarantee: `npm ci` works from a fresh clone on every platform: the lock file names every package that another one
// asks for, optional ones of other platforms too, and no registry of whoever wrote it.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

type Entry = {
  version?: string;
  resolved?: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
};

const lock = JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8")) as {
  packages: Record<string, Entry>;
};

/** Where npm would find `name` for the package at `path`: in its own folder or in one above it. */
function isLocked(path: string, name: string): boolean {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    const candidate = `${folder === "" ? "" : `${folder}/`}node_modules/${name}`;
    if (lock.packages[candidate]?.version !== undefined) return true;
    if (folder === "") return false;
  }
}

test("every dependency of every package is locked", () => {
  const missing = Object.entries(lock.packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
    Object.keys({ ...dependencies, ...optionalDependencies })
      .filter((name) => !isLocked(path, name))
      .map((name) => `${name}, which ${path || "the project"} asks for`),
  );
  expect(missing).toEqual([]);
});

test("no package is tied to a registry", () => {
  const tied = Object.entries(lock.packages).filter(([, { resolved }]) => resolved !== undefined);
  expect(tied).toEqual([]);
});
