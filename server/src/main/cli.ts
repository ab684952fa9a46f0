import { readFileSync } from "node:fs";
import { cac } from "cac";
import { withServices } from "./administration-services.ts";
import type { Command } from "./command.ts";
import { accountCommand } from "./commands/account.ts";
import { agentCommand } from "./commands/agent.ts";
import { approvalCommand } from "./commands/approval.ts";
import { paymentCommand, refundCommand } from "./commands/bank-transfer.ts";
import { benchCommand } from "./commands/bench.ts";
import { beneficiaryCommand } from "./commands/beneficiary.ts";
import { billCommand } from "./commands/bill.ts";
import { channelAccountCommand } from "./commands/channel-account.ts";
import { feeCommand } from "./commands/fee.ts";
import { keyCommand } from "./commands/key.ts";
import { ledgerCommand } from "./commands/ledger.ts";
import { appCommand, merchantCommand } from "./commands/merchant.ts";
import { migrateCommand } from "./commands/migrate.ts";
import { payoutCommand } from "./commands/payout.ts";
import { reconcileCommand } from "./commands/reconcile.ts";
import { reserveCommand } from "./commands/reserve.ts";
import { routingCommand } from "./commands/routing.ts";
import { serviceFeeCommand } from "./commands/service-fee.ts";
import { settlementCommand } from "./commands/settlement.ts";
import { sharingCommand } from "./commands/sharing.ts";
import { startCommand } from "./commands/start.ts";
import { statementCommand } from "./commands/statement.ts";
import { userCommand } from "./commands/user.ts";
import { markTexts, unmarkTexts } from "./option-texts.ts";
import { StartError } from "./start-error.ts";

const commands: readonly Command[] = [
  startCommand,
  migrateCommand,
  merchantCommand(withServices),
  appCommand(withServices),
  keyCommand(withServices),
  userCommand(withServices),
  accountCommand(withServices),
  approvalCommand(withServices),
  agentCommand(withServices),
  channelAccountCommand(withServices),
  billCommand(withServices),
  feeCommand(withServices),
  paymentCommand(withServices),
  refundCommand(withServices),
  routingCommand(withServices),
  reserveCommand(withServices),
  serviceFeeCommand(withServices),
  settlementCommand(withServices),
  reconcileCommand(withServices),
  sharingCommand(withServices),
  beneficiaryCommand(withServices),
  payoutCommand(withServices),
  ledgerCommand(withServices),
  statementCommand(withServices),
  benchCommand,
];

async function main(): Promise<void> {
  const cli = cac("tributary");
  for (const command of commands) {
    const added = cli.command(command.usage, command.summary);
    for (const { flags, description, default: value } of command.options) {
      added.option(flags, description, value === undefined ? {} : { default: value });
    }
    // cac passes the arguments one by one and the options last.
    added.action((...received: unknown[]) => {
      const options = unmarkTexts(received.pop() as Record<string, unknown>);
      return command.run(received.flat().filter((value) => value !== undefined) as string[], options);
    });
  }
  cli.help();
  cli.version(readVersion());
  const { args, options } = cli.parse(markTexts(process.argv, commands), { run: false });
  if (options.help === true || options.version === true) return;
  if (cli.matchedCommand !== undefined) return await cli.runMatchedCommand();
  if (args[0] !== undefined) throw new StartError(`There is no command "${args[0]}": see "tributary --help".`);
  cli.outputHelp();
}

function readVersion(): string {
  const path = new URL("../../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}

/** What a person can correct is one sentence; anything else is a fault of ours and shows where it happened. */
function explain(error: unknown): string {
  if (error instanceof StartError) return error.message;
  if (error instanceof Error && error.name === "CACError") return `${error.message}: see "tributary --help".`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${explain(error)}\n`);
  // Half-started parts may still hold sockets and timers, and would keep the process from ending by itself.
  process.exit(1);
}
