/**
 * Keeps what is typed for some options as it was typed. The parser of the command line makes a number of whatever looks
 * like one, before anybody can say otherwise, and a bank's number loses its zeros in front and its last digits by that.
 */
import type { Command } from "./command.ts";

/** No terminal types it, and no number begins with it. */
const MARK = "\u0001";

/** The arguments with a mark before each value of an option that is declared as text. */
export function markTexts(argv: readonly string[], commands: readonly Pick<Command, "options">[]): string[] {
  const declared = commands.flatMap(({ options }) => options.filter(({ text }) => text === true));
  const names = new Set(declared.map(({ flags }) => flags.split(" ", 1)[0]!));
  return argv.map((argument, index) => {
    if (names.has(argv[index - 1] ?? "")) return MARK + argument;
    const equals = argument.indexOf("=");
    const isText = equals > 0 && names.has(argument.slice(0, equals));
    return isText ? argument.slice(0, equals + 1) + MARK + argument.slice(equals + 1) : argument;
  });
}

/** The parsed options without the marks. */
export function unmarkTexts(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const unmark = (value: unknown) =>
    typeof value === "string" && value.startsWith(MARK) ? value.slice(MARK.length) : value;
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, unmark(value)]));
}
