// Guarantee: time, chance, configuration, output and transactions have one home each; functions and files stay short;
// what is exported says what it is.
import { describe, expect, test } from "vitest";
import { lineOf, type Node, placeOf, readSources, type Source, walk } from "./source.ts";

const sources = readSources();
const running = sources.filter((source) => !source.isTest);

/** `Date.now` of `Date.now()` and of `clock ?? Date.now`. */
function memberName(node: Node): string | undefined {
  if (node.type !== "MemberExpression" || node.computed || node.object.type !== "Identifier") return undefined;
  return `${node.object.name}.${node.property.name}`;
}

function isCallOf(node: Node, name: string): boolean {
  return node.type === "CallExpression" && node.callee.type === "Identifier" && node.callee.name === name;
}

/** The text of a string literal, or of a template with its holes left out. */
function literalText(node: Node): string | undefined {
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  if (node.type === "TemplateLiteral") return node.quasis.map((quasi: Node) => quasi.value.cooked).join("");
  return undefined;
}

const transactionWord =
  /^\s*(begin|commit|rollback|rollback\s+to\s+.*|start\s+transaction|savepoint\s+\w+)(\s+(work|transaction))?\s*;?\s*$/i;

/** What has one home: how it is recognized, where it may be, and what to use elsewhere. */
const homes: readonly {
  readonly what: string;
  readonly isUse: (node: Node) => boolean;
  readonly home: RegExp;
  readonly instead: string;
}[] = [
  {
    what: "the machine's clock",
    isUse: (node) =>
      memberName(node) === "Date.now" ||
      isCallOf(node, "Date") ||
      (node.type === "NewExpression" && node.callee.name === "Date" && node.arguments.length === 0),
    home: /^(server\/src|sandbox)\/kit\/clock\.ts$|^web\/\w+\/browser\//,
    instead: "take a Clock and ask its now()",
  },
  {
    what: "chance",
    isUse: (node) =>
      memberName(node) === "Math.random" ||
      (node.type === "ImportSpecifier" &&
        /^(random(Bytes|UUID|Int|Fill|FillSync)|webcrypto)$/.test(node.imported.name)) ||
      (node.type === "MemberExpression" && /^(randomUUID|getRandomValues)$/.test(node.property.name ?? "")),
    home: /^(server\/src|sandbox)\/kit\/random\.ts$/,
    instead: "take a Random",
  },
  {
    what: "the environment",
    isUse: (node) => memberName(node) === "process.env",
    home: /^server\/src\/main\/config\.ts$|^sandbox\/main\.ts$/,
    instead: "read it in main/config.ts and hand the value on",
  },
  {
    what: "the console",
    isUse: (node) =>
      node.type === "MemberExpression" && node.object.type === "Identifier" && node.object.name === "console",
    home: /^$/,
    instead: "log through the Logger you are given; a command writes to its output",
  },
  {
    what: "standard output",
    isUse: (node) => memberName(node) === "process.stdout" || memberName(node) === "process.stderr",
    home: /^server\/src\/main\/|^sandbox\/main\.ts$/,
    instead: "log through the Logger you are given",
  },
  {
    what: "floating-point parsing",
    isUse: (node) => isCallOf(node, "parseFloat") || memberName(node) === "Number.parseFloat",
    home: /^$/,
    instead: "use fromDecimal of kit/money, or BigInt",
  },
  {
    what: "begin and commit",
    isUse: (node) => transactionWord.test(literalText(node) ?? ""),
    // The migrations run before there is a database to open, each in a transaction of its own.
    home: /^server\/src\/kit\/sql\/database\.ts$|^server\/src\/main\/migrate\.ts$/,
    instead: "use Database.transaction",
  },
];

describe("one home", () => {
  const strays = new Map<string, string[]>(homes.map(({ what }) => [what, []]));
  for (const source of running) {
    const banned = homes.filter(({ home }) => !home.test(source.path));
    walk(source.program, (node) => {
      for (const { what, isUse, instead } of banned) {
        if (isUse(node)) strays.get(what)!.push(`${placeOf(source, node)}: ${instead}`);
      }
    });
  }
  test.each(homes)("for $what", ({ what }) => {
    expect(strays.get(what)).toEqual([]);
  });
});

const FUNCTION_LINES = 70;
const FILE_LINES = 400;
const functionTypes = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);

/** `describe(…, () => {…})` only groups tests: what counts are the functions inside. */
function groupsTests(parent: Node | undefined): boolean {
  if (parent?.type !== "CallExpression") return false;
  let callee: Node = parent.callee;
  while (callee.type === "MemberExpression" || callee.type === "CallExpression")
    callee = callee.object ?? callee.callee;
  return callee.type === "Identifier" && callee.name === "describe";
}

function nameOf(node: Node, parent: Node | undefined): string {
  return node.id?.name ?? parent?.id?.name ?? parent?.key?.name ?? "a function";
}

describe("length", () => {
  test(`functions stay under ${FUNCTION_LINES} lines`, () => {
    const long: string[] = [];
    for (const source of sources) {
      walk(source.program, (node, [parent]) => {
        if (!functionTypes.has(node.type) || (source.isTest && groupsTests(parent))) return;
        const lines = lineOf(source, node.end) - lineOf(source, node.start) + 1;
        if (lines >= FUNCTION_LINES) long.push(`${placeOf(source, node)}: ${nameOf(node, parent)} has ${lines} lines`);
      });
    }
    expect(long, "give a step of it a name of its own").toEqual([]);
  });

  test(`files stay under ${FILE_LINES} lines`, () => {
    const long = sources
      .map((source) => ({ path: source.path, lines: source.text.split("\n").length - 1 }))
      .filter(({ lines }) => lines >= FILE_LINES);
    expect(long, "split them by what they are about").toEqual([]);
  });
});

/** Exported functions and classes of a file, with the statement that exports them. */
function exportedDeclarations(source: Source): { name: string; statement: Node }[] {
  return source.program.body.flatMap((statement: Node) => {
    const declaration: Node | undefined =
      statement.type === "ExportNamedDeclaration" ? statement.declaration : undefined;
    if (declaration?.type === "FunctionDeclaration" || declaration?.type === "ClassDeclaration") {
      return [{ name: declaration.id.name, statement }];
    }
    return [];
  });
}

function hasDocComment(source: Source, statement: Node): boolean {
  return source.comments.some(
    ({ value, end }) =>
      value.startsWith("*") && end < statement.start && source.text.slice(end, statement.start).trim() === "",
  );
}

/** Whether others may use it: all of kit, ledger and channels, and of a module what passes its door. */
function isShared(source: Source, name: string): boolean {
  if (/^server\/src\/(kit|ledger|channels)\//.test(source.path)) return true;
  const module = /^server\/src\/modules\/[^/]+\//.exec(source.path)?.[0];
  const door = module && running.find(({ path }) => path === `${module}index.ts`);
  if (!door) return false;
  return source === door || namesPassing(door, source.path.slice(module.length)).includes(name);
}

/** Names that a door exports from a file beside it. */
function namesPassing(door: Source, file: string): string[] {
  return door.program.body
    .filter((statement: Node) => statement.type === "ExportNamedDeclaration" && statement.source?.value === `./${file}`)
    .flatMap((statement: Node) => statement.specifiers.map((specifier: Node) => specifier.local.name));
}

describe("comments", () => {
  test("say what each function and class is that other parts may use", () => {
    const silent = running.flatMap((source) =>
      exportedDeclarations(source)
        .filter(({ name }) => isShared(source, name))
        .filter(({ statement }) => !hasDocComment(source, statement))
        .map(({ name, statement }) => `${placeOf(source, statement)}: ${name} has no doc comment`),
    );
    expect(silent).toEqual([]);
  });

  test("promise nothing for later", () => {
    const promise = /\b(TODO|FIXME|XXX|HACK)\b/;
    const promises = sources.flatMap((source) =>
      source.comments.filter(({ value }) => promise.test(value)).map((comment) => placeOf(source, comment)),
    );
    expect(promises, "do it now, or write down in docs/LIMITS.md what is missing").toEqual([]);
  });

  test("open each test file with the guarantee that it protects", () => {
    const silent = sources.filter(({ path }) => path.endsWith(".test.ts")).filter(({ text }) => !/^\/[/*]/.test(text));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });
});

test("no test is left out by hand", () => {
  const left: string[] = [];
  for (const source of sources.filter(({ path }) => path.endsWith(".test.ts"))) {
    walk(source.program, (node) => {
      const name = memberName(node);
      if (name && /^(test|it|describe|suite)\.(only|skip|todo|fails)$/.test(name)) left.push(placeOf(source, node));
    });
  }
  expect(left, "a test runs, or it goes; skipIf with a reason is for what a machine may lack").toEqual([]);
});
