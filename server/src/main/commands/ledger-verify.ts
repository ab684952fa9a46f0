import { type Findings, verify } from "../../ledger/index.ts";
import { type Command, say } from "../command.ts";
import { StartError } from "../start-error.ts";
import type { WithServices } from "./administration.ts";

const figures = {
  books: "books",
  accounts: "accounts",
  transactions: "transactions",
  entries: "entries",
  payments: "payments",
  attempts: "succeeded attempts",
  refunds: "refunds",
  difference_count: "differences",
} as const satisfies Partial<Record<keyof Findings, string>>;

/** `tributary ledger verify`: proves the books and ends with code 1 when anything differs. */
export function ledgerCommand(withServices: WithServices): Command {
  return {
    usage: "ledger <action>",
    summary: "verify: prove that the books are whole and match every payment and refund",
    options: [{ flags: "--json", description: "print the findings as JSON" }],
    async run([action], options) {
      if (action !== "verify") throw new StartError(`There is no action "${action}": choose verify.`);
      const findings = await withServices(({ db }) => verify(db));
      say(options.json === true ? JSON.stringify(findings, null, 2) : describe(findings));
      if (findings.difference_count > 0) {
        throw new StartError(
          `The books differ in ${findings.difference_count} places: look into each before going on.`,
        );
      }
    },
  };
}

function describe(findings: Findings): string {
  const lines = Object.entries(figures).map(([name, label]) => {
    const figure = findings[name as keyof typeof figures].toLocaleString("en");
    return `${label.padEnd(20)} ${figure.padStart(15)}`;
  });
  return [...lines, ...findings.differences.map(({ code, sentence }) => `${code}: ${sentence}`)].join("\n");
}
