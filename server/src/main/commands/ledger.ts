/** `tributary ledger …`: proves the books, to the operator and to each merchant. */
import { createReadStream, createWriteStream, rmSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { toRfc3339 } from "../../kit/clock.ts";
import { accountKinds, type Findings, listVerifications, verifyAndRecord } from "../../ledger/index.ts";
import { type ProofVerdict, proveDay, requireClose, verifyProof } from "../../modules/daily-close/index.ts";
import { type Command, say } from "../command.ts";
import { StartError } from "../start-error.ts";
import { explainRefusal, type Options, readId, requireText, textOption, type WithServices } from "./administration.ts";

const figures = {
  books: "books",
  accounts: "accounts",
  transactions: "transactions",
  entries: "entries",
  payments: "payments",
  attempts: "succeeded attempts",
  refunds: "refunds",
  settlements: "settlements",
  reserve_releases: "releases of reserves",
  account_operations: "account operations",
  reconciliation_postings: "postings of reconciliation",
  service_fee_invoices: "service fee invoices",
  service_fee_payments: "payments of service fees",
  service_fee_deposits: "prepayments of service fees",
  commission_parts: "parts of commission",
  commission_settlements: "settlements of commission",
  difference_count: "differences",
} as const satisfies Partial<Record<keyof Findings, string>>;

/** Ends with code 1 when anything differs. */
export function ledgerCommand(withServices: WithServices): Command {
  const actions: Readonly<Record<string, (args: readonly string[], options: Options) => Promise<void>>> = {
    verify: (_args, options) => verifyBooks(withServices, options),
    runs: () => showRuns(withServices),
    prove: (_args, options) => proveBook(withServices, options),
    "verify-proof": ([path], options) => checkProof(path, options),
  };
  return {
    usage: "ledger <action> [file]",
    summary:
      "verify the books, or list what was verified (runs); prove a merchant's day; verify-proof of a file, without a database",
    options: [
      { flags: "--json", description: "verify, verify-proof: print the findings as JSON" },
      {
        flags: "--incremental",
        description: "verify: only what was written since the last run that found nothing wrong",
      },
      { flags: "--merchant <id>", description: "prove: whose book" },
      { flags: "--date <day>", description: "prove: YYYY-MM-DD, in the merchant's time zone" },
      { flags: "--test", description: "prove: the book of test payments (a demo has no other)" },
      { flags: "--out <file>", description: "prove: where the proof is written" },
      { flags: "--key <fingerprint>", description: "verify-proof: the key that must have signed it", text: true },
    ],
    async run([name = "", ...args], options) {
      const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
      if (!action) {
        throw new StartError(`There is no action "${name}": choose one of ${Object.keys(actions).join(", ")}.`);
      }
      await action(args, options).catch(explainRefusal);
    },
  };
}

async function verifyBooks(withServices: WithServices, options: Options): Promise<void> {
  const kind = options.incremental === true ? "incremental" : "full";
  const findings = await withServices((services) => verifyAndRecord(services, kind));
  say(options.json === true ? JSON.stringify(findings, null, 2) : describe(findings));
  if (findings.difference_count > 0) {
    throw new StartError(`The books differ in ${findings.difference_count} places: look into each before going on.`);
  }
}

const RUNS_SHOWN = 50;

/** One line of JSON for each run, the newest first. */
async function showRuns(withServices: WithServices): Promise<void> {
  for (const run of await withServices(({ db }) => listVerifications(db, RUNS_SHOWN))) {
    const { differences, ...counts } = run.findings;
    const times = { started_at: toRfc3339(run.started_at), finished_at: toRfc3339(run.finished_at) };
    say(JSON.stringify({ kind: run.kind, ...times, ...counts, first: differences[0]?.sentence ?? null }));
  }
}

function describe(findings: Findings): string {
  const lines = Object.entries(figures).map(([name, label]) => {
    const figure = findings[name as keyof typeof figures].toLocaleString("en");
    return `${label.padEnd(30)} ${figure.padStart(15)}`;
  });
  return [...lines, ...findings.differences.map(({ code, sentence }) => `${code}: ${sentence}`)].join("\n");
}

async function proveBook(withServices: WithServices, options: Options): Promise<void> {
  const merchant_id = readId("merchant", requireText(options, "merchant"));
  const day = requireText(options, "date");
  const path = requireText(options, "out");
  await withServices(async (services) => {
    const livemode = !(options.test === true || services.mode === "demo");
    const close = await requireClose(services, { merchant_id, livemode }, day);
    await writeWhole(path, proveDay(services, close));
    say(`${path} proves ${day}. Check it anywhere: npx tributary ledger verify-proof ${path}`);
  });
}

/** A file that could not be written whole is not left behind. */
async function writeWhole(path: string, lines: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(lines), createWriteStream(path, { flags: "wx" }));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new StartError(`There is a file ${path} already: name another one.`);
    rmSync(path, { force: true });
    throw code === undefined ? error : new StartError(`${path} cannot be written (${code}).`);
  }
}

async function checkProof(path: string | undefined, options: Options): Promise<void> {
  if (path === undefined) throw new StartError("Say which file: its name follows verify-proof.");
  const verdict = await verifyProof(readLines(path), (kind) => sides.get(kind));
  const expected = textOption(options, "key");
  const problems = [...verdict.problems];
  if (expected !== undefined && expected !== verdict.fingerprint) {
    problems.push(`It was signed by the key ${verdict.fingerprint ?? "that cannot be read"}, not by ${expected}.`);
  }
  say(options.json === true ? JSON.stringify({ ...verdict, problems }, null, 2) : describeProof(verdict, problems));
  if (problems.length > 0) throw new StartError(`${path} proves nothing: what does not agree stands above.`);
}

const sides: ReadonlyMap<string, "debit" | "credit"> = new Map(
  Object.entries(accountKinds).map(([kind, { side }]) => [kind, side]),
);

/** Lines end with a line feed and nothing else: another ending would be another file. */
async function* readLines(path: string): AsyncGenerator<string> {
  let rest = "";
  try {
    for await (const chunk of createReadStream(path, { encoding: "utf8" })) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch (error) {
    throw new StartError(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
  if (rest !== "") yield rest;
}

function describeProof({ statement, transactions, fingerprint }: ProofVerdict, problems: readonly string[]): string {
  if (!statement) return problems.join("\n");
  const { merchant, livemode, day, time_zone, accounts } = statement;
  const head = [
    `${merchant}, ${livemode ? "live" : "test"} book, ${day} (${time_zone}): ${transactions} transactions`,
    `signed by the key ${fingerprint ?? "unknown"}`,
  ];
  const balances = accounts.map(({ kind, currency, opening, closing }) =>
    [kind.padEnd(26), currency, opening.padStart(20), closing.padStart(20)].join(" "),
  );
  const verdict =
    problems.length === 0 ? ["Everything agrees. Compare the key with the one that the platform publishes."] : problems;
  return [...head, ...balances, ...verdict].join("\n");
}
