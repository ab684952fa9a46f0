/** One command of the command line, as data; `cli.ts` turns it into usage, help and errors. */
export type Command = {
  /** Name and arguments as cac writes them: `ledger <action>`. */
  usage: string;
  /** One line for the list of commands. */
  summary: string;
  /** Flags as cac writes them: `--roles <names>`. `text`: the value stays as it was typed, also where it looks like a number. */
  options: readonly { flags: string; description: string; default?: string; text?: true }[];
  /** Does the work. `StartError` is printed as one sentence; the process ends with code 1 on any error. */
  run: (args: readonly string[], options: Readonly<Record<string, unknown>>) => Promise<void>;
};

/** Prints a line for the person at the terminal. Logs of a running server go through `kit/log` instead. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
