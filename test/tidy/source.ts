/** What the tidy tests read: the project's files and, of each TypeScript file, its syntax tree. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { fileURLToPath } from "node:url";
// Vite comes with Vitest; TypeScript 7 itself has no parser that runs in this process.
import { parseSync } from "vite";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/** A node of the tree (ESTree with TypeScript's nodes). Only what the tests look at is named. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  // biome-ignore lint/suspicious/noExplicitAny: the tree is read by node type; the tests say which fields they expect.
  readonly [field: string]: any;
}

export interface Source {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly isTest: boolean;
  readonly program: Node;
  readonly comments: readonly { readonly value: string; readonly start: number; readonly end: number }[];
}

const codeFolders = ["bin", "server", "sandbox", "web", "sdk", "bench", "test"];
const skippedFolders = new Set(["node_modules", "dist", "generated"]);

/** Paths of all files below `folder`, from the root, in order; hidden and generated ones left out. */
export function listFiles(folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  return entries
    .filter((entry) => !entry.name.startsWith(".") && !skippedFolders.has(entry.name))
    .flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      return entry.isDirectory() ? listFiles(path) : [path];
    })
    .sort();
}

export function listFolders(folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith(".")).map((entry) => entry.name);
}

export function readText(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** All files of the folders that hold code, and those that lie beside them. */
export function listProject(): string[] {
  const top = readdirSync(root, { withFileTypes: true });
  const beside = top.filter((entry) => entry.isFile() && entry.name !== ".git").map((entry) => entry.name);
  const folders = [...codeFolders, "docs", ".ci"].filter((folder) => top.some((entry) => entry.name === folder));
  return [...beside, ...folders.flatMap(listFiles)];
}

/** Every TypeScript file (below `folder`), parsed. A file that does not parse fails the test and is named. */
export function readSources(folder = ""): Source[] {
  return listProject()
    .filter((path) => path.startsWith(folder) && path.endsWith(".ts") && !path.endsWith(".d.ts"))
    .map(readSource);
}

function readSource(path: string): Source {
  const text = readText(path);
  const { program, comments, errors } = parseSync(path, text);
  const [error] = errors;
  if (error) throw new Error(`${path} does not parse: ${error.message}`);
  return { path, text, isTest: isTestPath(path), program: program as unknown as Node, comments };
}

/** Tests, what only tests use, and the configuration of tools: these may reach everywhere and read the machine's clock. */
export function isTestPath(path: string): boolean {
  return (
    /\.(test|bench)\.ts$/.test(path) ||
    /^((test|bench)\/|[^/]+$)/.test(path) ||
    /\/(testing|conformance|fixtures)\//.test(path)
  );
}

/** Visits every node of a tree with its parents, the nearest first. */
export function walk(node: Node, visit: (node: Node, parents: readonly Node[]) => void): void {
  const step = (current: Node, parents: readonly Node[]) => {
    visit(current, parents);
    const inner = [current, ...parents];
    for (const value of Object.values(current)) {
      for (const child of Array.isArray(value) ? value : [value]) {
        if (typeof child === "object" && child !== null && typeof child.type === "string") step(child, inner);
      }
    }
  };
  step(node, []);
}

/** Line of an offset, from 1. */
export function lineOf(source: Source, offset: number): number {
  let line = 1;
  for (let at = source.text.indexOf("\n"); at !== -1 && at < offset; at = source.text.indexOf("\n", at + 1)) line++;
  return line;
}

/** `path:line`, which editors open. */
export function placeOf(source: Source, node: { readonly start: number }): string {
  return `${source.path}:${lineOf(source, node.start)}`;
}

export interface Import {
  readonly node: Node;
  readonly specifier: string;
  /** Gone when the types are stripped: it runs nothing. */
  readonly isType: boolean;
}

/** Imports and re-exports of a file, those in types and `import()` of a literal included. */
export function importsOf(source: Source): Import[] {
  const found: Import[] = [];
  walk(source.program, (node) => {
    if (typeof node.source?.value !== "string") return;
    const named: readonly Node[] = node.specifiers ?? [];
    const isType =
      node.type === "TSImportType" ||
      node.importKind === "type" ||
      node.exportKind === "type" ||
      (named.length > 0 && named.every((one) => one.importKind === "type" || one.exportKind === "type"));
    found.push({ node, specifier: node.source.value, isType });
  });
  return found;
}

/** The project's file that a specifier names, or undefined for a package. */
export function resolveImport(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return relative(root, join(root, dirname(from), specifier)).replaceAll("\\", "/");
}
