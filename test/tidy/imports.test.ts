// Guarantee: each part of the house uses only what stands below it, there are no circles, and no file is left behind.
import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, test } from "vitest";
import { importsOf, listFiles, placeOf, readSources, readText, resolveImport, root, type Source } from "./source.ts";

const sources = readSources();
const edges = sources.flatMap((source) =>
  importsOf(source).map(({ node, specifier, isType }) => ({
    source,
    specifier,
    isType,
    to: resolveImport(source.path, specifier),
    place: placeOf(source, node),
  })),
);

/** The part of the house in which a file lies. */
function partOf(path: string): string {
  const match =
    /^server\/src\/(main|kit|ledger|channels|modules)\b/.exec(path) ?? /^(sandbox|web|sdk|bench|test|bin)\b/.exec(path);
  return match?.[1] ?? "root";
}

/** The folder of a module or of a channel: `payment` of `server/src/modules/payment/store.ts`. */
function folderBelow(part: "modules" | "channels", path: string): string | undefined {
  return new RegExp(`^server/src/${part}/([^/]+)/`).exec(path)?.[1];
}

/** What a module may use of the channels: what a channel is, which there are, and the call. */
const channelDoor = [
  "contract",
  "registry",
  "call",
  "auth-code",
  "integrity",
  "refusal",
  "bill-reader",
  "table-import",
].map((name) => `server/src/channels/${name}.ts`);

/** Says why `from` must not import `to`, or nothing when it may. */
function refuse(from: string, to: string): string | undefined {
  const [part, target] = [partOf(from), partOf(to)];
  if (part === "kit") return target === "kit" ? undefined : "the kit knows nothing of the domain";
  if (part === "ledger") return target === "ledger" || target === "kit" ? undefined : "the ledger knows the kit only";
  if (part === "channels") return refuseInChannels(from, to, target);
  if (part === "modules") return refuseInModules(from, to, target);
  if (part === "main") {
    if (target === "sandbox")
      return to === "sandbox/main.ts" ? undefined : "the sandbox's only door is sandbox/main.ts";
    return target === "test" || target === "bench" ? "what runs does not depend on tests" : undefined;
  }
  if (part === target || part === "root") return undefined;
  return `${part}/ stands by itself; it shares no code with ${target}`;
}

function refuseInChannels(from: string, to: string, target: string): string | undefined {
  if (to.startsWith("server/src/kit/sql/")) return "channels never see the database";
  if (target === "kit") return undefined;
  if (target !== "channels") return "channels know the kit and their contract only";
  const [own, other] = [folderBelow("channels", from), folderBelow("channels", to)];
  if (own === undefined || other === undefined || own === other) return undefined;
  return `channels do not know each other; put what ${own} and ${other} share beside contract.ts`;
}

function refuseInModules(from: string, to: string, target: string): string | undefined {
  if (target === "kit" || target === "ledger") return undefined;
  if (target === "channels") return channelDoor.includes(to) ? undefined : `modules use only ${channelDoor.join(", ")}`;
  const [own, other] = [folderBelow("modules", from), folderBelow("modules", to)];
  if (target === "web") return own === "cashier" ? undefined : "only the cashier module shows pages";
  if (target !== "modules") return "modules know kit, ledger, the channels' door and other modules";
  if (own === other || to === `server/src/modules/${other}/index.ts`) return undefined;
  return `the only door of ${other} is its index.ts; export there what ${own} needs`;
}

describe("imports", () => {
  test("follow the house", () => {
    const wrong = edges
      .filter(({ source }) => !source.isTest)
      .flatMap(({ source, to, place }) => {
        const reason = to === undefined ? undefined : refuse(source.path, to);
        return reason === undefined ? [] : [`${place} imports ${to}: ${reason}`];
      });
    expect(wrong).toEqual([]);
  });

  test("name files that exist", () => {
    const missing = edges.filter(({ to }) => to !== undefined && !existsSync(join(root, to)));
    expect(missing.map(({ place, specifier }) => `${place} imports ${specifier}, which is not there`)).toEqual([]);
  });

  test("take the driver of PostgreSQL only where connections are opened", () => {
    const wrong = edges
      .filter(({ source, specifier }) => specifier === "pg" && !source.isTest)
      .filter(({ source }) => !/^server\/src\/(kit\/sql|main)\//.test(source.path));
    expect(wrong.map(({ place }) => `${place}: use kit/sql instead of pg`)).toEqual([]);
  });

  test("take only packages that package.json names", () => {
    const manifest = JSON.parse(readText("package.json")) as Record<string, Record<string, string>>;
    const runtime = { ...manifest.dependencies, ...manifest.optionalDependencies };
    const all = { ...runtime, ...manifest.devDependencies };
    const wrong = edges.flatMap(({ source, specifier, to, place }) => {
      // Vite comes with Vitest, and belongs to its version.
      if (to !== undefined || specifier.startsWith("node:") || (source.isTest && specifier === "vite")) return [];
      const name = specifier
        .split("/")
        .slice(0, specifier.startsWith("@") ? 2 : 1)
        .join("/");
      if (Object.hasOwn(source.isTest ? all : runtime, name)) return [];
      const kind = source.isTest ? "devDependencies" : "dependencies";
      return [`${place} imports ${name}, which is not among the ${kind} of package.json`];
    });
    expect(wrong).toEqual([]);
  });
});

/** Circles of a graph, each once, as lists of nodes. */
function findCircles(graph: ReadonlyMap<string, ReadonlySet<string>>): string[][] {
  const circles = new Map<string, string[]>();
  const done = new Set<string>();
  const visit = (node: string, trail: readonly string[]) => {
    const at = trail.indexOf(node);
    if (at !== -1) {
      const circle = trail.slice(at);
      circles.set([...circle].sort().join(), [...circle, node]);
    }
    if (at !== -1 || done.has(node)) return;
    for (const next of graph.get(node) ?? []) visit(next, [...trail, node]);
    done.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return [...circles.values()];
}

function graphOf(pairs: readonly (readonly [string, string])[]): Map<string, Set<string>> {
  const graph = new Map<string, Set<string>>();
  for (const [from, to] of pairs) graph.set(from, (graph.get(from) ?? new Set()).add(to));
  return graph;
}

describe("circles", () => {
  test("do not exist between modules, types included", () => {
    const pairs = edges.flatMap(({ source, to }) => {
      const [from, target] = [folderBelow("modules", source.path), to && folderBelow("modules", to)];
      return from && target && from !== target && !source.isTest ? [[from, target] as const] : [];
    });
    const circles = findCircles(graphOf(pairs)).map((circle) => circle.join(" → "));
    expect(circles, "give one of them an interface that the composition root fills in").toEqual([]);
  });

  test("do not exist between files that run", () => {
    const pairs = edges.flatMap(({ source, to, isType }) => (to && !isType ? [[source.path, to] as const] : []));
    const circles = findCircles(graphOf(pairs)).map((circle) => circle.join(" → "));
    expect(circles, "move what both need into a third file").toEqual([]);
  });
});

/** Where running begins: programs, what the browser loads, and what Vitest is told to load. */
function isEntry(source: Source): boolean {
  return (
    /\.(test|bench)\.ts$/.test(source.path) ||
    /^bench\/[^/]+\.ts$/.test(source.path) ||
    /^web\/[^/]+\/browser\/[^/]+\.ts$/.test(source.path) ||
    ["server/src/main/cli.ts", "sandbox/main.ts", "vitest.config.ts"].includes(source.path)
  );
}

/** Files that a text names by a path from the root or from itself: workers, and programs that are started by name. */
function namedFiles(source: { path: string; text: string }): string[] {
  const names = [...source.text.matchAll(/["'`]([\w./-]+\.ts)["'`]/g)].map((match) => match[1]!);
  return names.flatMap((name) => [name, posix.join(posix.dirname(source.path), name)]);
}

test("every file is reached from a program or a test", () => {
  const paths = new Set(sources.map((source) => source.path));
  const launchers = listFiles("bin").map((path) => ({ path, text: readText(path) }));
  const next = new Map<string, string[]>();
  for (const { source, to } of edges) if (to) next.set(source.path, [...(next.get(source.path) ?? []), to]);
  const reached = new Set<string>();
  const queue = [...sources.filter(isEntry).map((source) => source.path), ...launchers.flatMap(namedFiles)];
  const byPath = new Map(sources.map((source) => [source.path, source]));
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    const source = byPath.get(path);
    if (!source || reached.has(path)) continue;
    reached.add(path);
    queue.push(...(next.get(path) ?? []), ...namedFiles(source).filter((name) => paths.has(name)));
  }
  const dead = [...paths].filter((path) => !reached.has(path));
  expect(dead, "nothing uses these: use them or delete them").toEqual([]);
});
