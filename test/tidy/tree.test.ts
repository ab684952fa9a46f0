// Guarantee: every part is named and described in the same way, and nothing in the tree knows the machine it was made on.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { listFiles, listFolders, listProject, readText, root } from "./source.ts";

const files = listProject();
const modules = listFolders("server/src/modules");

describe("a module", () => {
  test.each(modules)("%s has its README and its door", (module) => {
    const folder = `server/src/modules/${module}`;
    expect(existsSync(join(root, folder, "index.ts")), `${folder}/index.ts is its only door`).toBe(true);
    expect(existsSync(join(root, folder, "README.md")), `${folder}/README.md says what it owns`).toBe(true);
    const readme = readText(`${folder}/README.md`);
    for (const part of ["owns", "does not own", "invariants"]) {
      expect(readme.toLowerCase(), `${folder}/README.md says what it ${part}`).toContain(part);
    }
  });
});

describe("names", () => {
  test("of files are kebab-case", () => {
    const code = /\.(ts|mjs|css)$/;
    const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.(ts|mjs|css)$/;
    const wrong = files.filter((path) => code.test(path) && !kebab.test(path.split("/").at(-1)!));
    expect(wrong).toEqual([]);
  });

  test("of migrations are six digits and words, each number once", () => {
    const names = listFiles("server/migrations").map((path) => path.split("/").at(-1)!);
    expect(names.filter((name) => !/^\d{6}_[a-z0-9]+(_[a-z0-9]+)*\.sql$/.test(name))).toEqual([]);
    expect(new Set(names.map((name) => name.slice(0, 6))).size).toBe(names.length);
  });
});

describe("the tree", () => {
  const texts = files
    .filter((path) => /\.(ts|mjs|js|json|sql|md|css|html|svg|yml|yaml|txt)$|^[^.]+$|^\.\w+$|^\.ci\//.test(path))
    .map((path) => ({ path, text: readText(path) }));

  test("names no folder of the machine it was made on", () => {
    const homes = ["home", "Users", "root", "work", "private"].join("|");
    const path = new RegExp(`(?:^|[\\s"'\`(=])/(?:${homes})/[\\w.-]+`, "m");
    expect(texts.filter(({ text }) => path.test(text)).map((file) => file.path)).toEqual([]);
  });

  test("names no registry: whoever installs uses their own", () => {
    const host = /"resolved":|^\s*registry\s*=|\bregistry\.[\w-]+\.[a-z]+/m;
    const named = texts.filter(({ path }) => !/^(LICENSE|test\/)/.test(path)).filter(({ text }) => host.test(text));
    expect(named.map((file) => file.path)).toEqual([]);
  });

  test("ends every text with one line feed, and uses no other line end", () => {
    const wrong = texts.filter(({ text }) => text !== "" && (!/[^\n]\n$/.test(text) || text.includes("\r")));
    expect(wrong.map((file) => file.path)).toEqual([]);
  });

  test("links in its documents lead to files", () => {
    const broken = texts
      .filter(({ path }) => path.endsWith(".md"))
      .flatMap(({ path, text }) =>
        [...text.matchAll(/\]\((?!https?:|mailto:|#|\/)([^)\s#]+)(?:#[^)]*)?\)/g)]
          .map((match) => match[1]!)
          .filter((link) => !existsSync(join(root, path, "..", decodeURIComponent(link))))
          .map((link) => `${path} links to ${link}`),
      );
    expect(broken).toEqual([]);
  });
});
