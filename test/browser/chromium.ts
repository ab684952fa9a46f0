import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import { type Browser, chromium } from "playwright-core";

/** A browser's program, and the folder of libraries it needs where the system lacks them. */
type Installed = { path: string; libraries?: string };

/** Browsers that a system may have; the first that answers is used. */
const systemPaths = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/** No sandbox, because tests also run as root; and no call home, because tests must not need the network. */
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
];

/**
 * Starts a headless Chromium: the system's, or the one that the package @sparticuz/chromium carries (x64 Linux),
 * unpacked once under `.data/`. Throws where there is neither.
 */
export async function launchChromium(): Promise<Browser> {
  const installed = findSystemBrowser() ?? unpackBrowser();
  return await chromium.launch({
    executablePath: installed.path,
    args: flags,
    env: environmentOf(installed),
  });
}

function findSystemBrowser(): Installed | undefined {
  return systemPaths.map((path) => ({ path })).find((candidate) => existsSync(candidate.path) && answers(candidate));
}

function answers(candidate: Installed): boolean {
  const options = { env: environmentOf(candidate), timeout: 20_000 };
  return spawnSync(candidate.path, ["--no-sandbox", "--version"], options).status === 0;
}

function environmentOf({ libraries }: Installed): NodeJS.ProcessEnv & Record<string, string> {
  const environment = process.env as Record<string, string>;
  return libraries === undefined ? environment : { ...environment, LD_LIBRARY_PATH: libraries };
}

function unpackBrowser(): Installed {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw new Error(
      `No browser was found, and npm brings none for ${process.platform}-${process.arch}: install Chromium.`,
    );
  }
  const entry = createRequire(import.meta.url).resolve("@sparticuz/chromium");
  const packageFolder = join(entry.slice(0, entry.lastIndexOf("/build/")));
  const { version } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8")) as { version: string };
  const folder = fileURLToPath(new URL(`../../.data/chromium-${version}`, import.meta.url));
  if (!existsSync(folder)) unpackInto(folder, join(packageFolder, "bin"));
  const plain = { path: join(folder, "chromium") };
  if (answers(plain)) return plain;
  const withLibraries = { ...plain, libraries: join(folder, "lib") };
  if (answers(withLibraries)) return withLibraries;
  throw new Error(`The Chromium that npm brought does not run here: install the system's one. (${plain.path})`);
}

/** Unpacked aside and renamed, so that test processes starting together never see half of it. */
function unpackInto(folder: string, packed: string): void {
  const aside = `${folder}.${process.pid}`;
  mkdirSync(aside, { recursive: true });
  for (const [file, target] of [
    ["chromium.br", "chromium"],
    ["al2023.tar.br", "libraries.tar"],
  ] as const) {
    writeFileSync(join(aside, target), brotliDecompressSync(readFileSync(join(packed, file))));
  }
  chmodSync(join(aside, "chromium"), 0o755);
  spawnSync("tar", ["-xf", "libraries.tar"], { cwd: aside });
  mkdirSync(dirname(folder), { recursive: true });
  try {
    renameSync(aside, folder);
  } catch {
    // Another process was first; its copy is as good.
    rmSync(aside, { recursive: true });
  }
}
