/** Guarantee: a bank's number and an amount reach a command exactly as they were typed, in either way of typing them. */
import { cac } from "cac";
import { expect, test } from "vitest";
import { markTexts, unmarkTexts } from "./option-texts.ts";

const options = [
  { flags: "--bank-reference <number>", description: "", text: true },
  { flags: "--amount <amount>", description: "", text: true },
  { flags: "--priority <number>", description: "" },
] as const;

function parse(typed: string[]): unknown {
  const cli = cac("tributary");
  const command = cli.command("payment <action> [number]", "");
  for (const { flags, description } of options) command.option(flags, description);
  const argv = markTexts(["node", "tributary", "payment", "confirm-transfer", ...typed], [{ options }]);
  const { "--": _, ...read } = unmarkTexts(cli.parse(argv, { run: false }).options);
  return read;
}

test.each(["00020261120123456789012345", "20261120123456789012345", "12.30", "0x10", "1e5", "", "CMB 1", "--amount"])(
  "keeps %j",
  (text) => {
    if (!text.startsWith("--")) expect(parse(["--bank-reference", text])).toEqual({ bankReference: text });
    expect(parse([`--bank-reference=${text}`, "--priority", "7"])).toEqual({ bankReference: text, priority: 7 });
  },
);
