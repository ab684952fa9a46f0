/** `tributary reconcile …`: a day of a channel account against its bill, and what becomes of what differs. */
import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { publicId } from "../../kit/id.ts";
import { dayOf } from "../../kit/local-day.ts";
import { listChannelAccounts } from "../../modules/channel-account/index.ts";
import {
  assignCase,
  changeRules,
  commentOnCase,
  countDifferences,
  fetchDay,
  findCase,
  findLastClosedDay,
  findObstacle,
  insertDay,
  isCaseAction,
  listCases,
  listComments,
  listDays,
  listDifferences,
  loadBills,
  loadClosing,
  loadDay,
  presentBill,
  presentCase,
  presentComment,
  presentDay,
  presentDifference,
  proposeAction,
  proposeClose,
  type ReconciliationServices,
  type Rules,
  reopenCase,
  rulesOf,
  runDay,
  uploadBill,
} from "../../modules/reconciliation/index.ts";
import { type Command, say } from "../command.ts";
import { StartError } from "../start-error.ts";
import {
  type Action,
  actAs,
  actionCommand,
  BY_OPTION,
  explainRefusal,
  type Options,
  readId,
  requireText,
  textOption,
  type WithServices,
} from "./administration.ts";
import { describeDay } from "./reconcile-text.ts";

const LIST_MAX = 1_000;
const ACCOUNTS_MAX = 10_000;

function readDay(options: Options, name = "date"): string {
  const text = requireText(options, name);
  if (!dayOf(text, "UTC")) throw new StartError(`--${name} is "${text}": give a day such as 2026-11-20.`);
  return text;
}

const keyOf = (options: Options) => ({
  channel_account_id: readId("channel_account", requireText(options, "account")),
  day: readDay(options),
});

export type ShownDay = Awaited<ReturnType<typeof reconcile>>;

/** Does what can be done at a day, and shows it. `obstacle` says why it cannot close; null when it has. */
async function reconcile(services: ReconciliationServices, channel_account_id: string, day: string) {
  const key = { channel_account_id, day };
  const { db } = services;
  const rules = await rulesOf(services, channel_account_id);
  if (day < rules.first_day) await beginEarlier(services, channel_account_id, day);
  await insertDay(db, key, null);
  const before = (await loadDay(db, key))!;
  if (before.state === "waiting" && rules.fetches) await fetchDay(services, before);
  if ((await loadDay(db, key))!.state !== "waiting") await runDay(services, key, { closes: true });
  const now = (await loadDay(db, key))!;
  const obstacle = await findObstacle(
    services,
    now,
    await rulesOf(services, channel_account_id),
    now.agreed_by !== null,
  );
  const open = await listDifferences(db, key, "open", LIST_MAX);
  return {
    ...presentDay(now, await countDifferences(db, key), await loadClosing(db, key)),
    obstacle: obstacle ?? null,
    bills: (await loadBills(db, key)).map(presentBill),
    open_differences: open.map(presentDifference),
  };
}

/** Reconciliation of an account may begin earlier, as long as no day is closed. */
async function beginEarlier(
  services: ReconciliationServices,
  channel_account_id: string,
  first_day: string,
): Promise<void> {
  const closed = await findLastClosedDay(services.db, channel_account_id);
  if (closed)
    throw new StartError(`${first_day} is before the first day that was reconciled; ${closed} is closed already.`);
  await changeRules(services, channel_account_id, { first_day });
}

async function accountsOf({ db, getChannel }: ReconciliationServices, text: string): Promise<string[]> {
  if (text !== "all") return [readId("channel_account", text)];
  const accounts = await listChannelAccounts(db, null, ACCOUNTS_MAX);
  return accounts.filter(({ channel }) => getChannel(channel)?.bills !== undefined).map(({ id }) => id);
}

/** Ends with code 1 while a day cannot close. */
async function runCommand(withServices: WithServices, options: Options): Promise<void> {
  const [account, day] = [requireText(options, "account"), readDay(options)];
  const days = await withServices(({ withPlatform }) =>
    withPlatform(async ({ reconciliation }) => {
      const shown: ShownDay[] = [];
      for (const id of await accountsOf(reconciliation, account)) shown.push(await reconcile(reconciliation, id, day));
      return shown;
    }),
  ).catch(explainRefusal);
  if (options.json === true) say(JSON.stringify(account === "all" ? days : days[0], null, 2));
  else for (const one of days) say(describeDay(one));
  if (days.some(({ state }) => state !== "closed")) process.exitCode = 1;
}

/** An action that an operator takes on a case. */
function onCase(
  name: string,
  act: (
    services: ReconciliationServices,
    case_id: string,
    operator: { id: string; email: string },
    options: Options,
  ) => Promise<unknown>,
): Action {
  return (services, [text], options) => {
    const id = readId("reconciliation_case", text);
    const command = { operation: `reconcile ${name}`, target: publicId("reconciliation_case", id) };
    return actAs(services, options, command, (operator) =>
      services.withPlatform(async ({ reconciliation }) => {
        await act(reconciliation, id, operator, options);
        return showCase(reconciliation, id);
      }),
    );
  };
}

async function showCase(services: ReconciliationServices, id: string) {
  const shown = presentCase(await findCase(services, id));
  return { ...shown, comments: (await listComments(services.db, id, LIST_MAX)).map(presentComment) };
}

function actionOf(options: Options) {
  const action = requireText(options, "action");
  if (isCaseAction(action)) return action;
  throw new StartError(`--action is "${action}": give adjust, refund_payer, claim, write_off or explain.`);
}

const wholeOf = (options: Options, name: string): bigint | undefined => {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return BigInt(text);
  throw new StartError(`--${name} is "${text}": give a whole number.`);
};

const countOf = (options: Options, name: string) => {
  const count = wholeOf(options, name);
  return count === undefined ? undefined : Number(count);
};

function rulesFrom(options: Options): Partial<Rules> {
  const [fetch, first_day] = [textOption(options, "fetch"), textOption(options, "first-day")];
  if (fetch !== undefined && fetch !== "yes" && fetch !== "no") throw new StartError("--fetch takes yes or no.");
  const given: Record<string, unknown> = {
    time_zone: textOption(options, "time-zone"),
    first_day,
    fetches: fetch === undefined ? undefined : fetch === "yes",
    fee_tolerance: wholeOf(options, "fee-tolerance"),
    fee_tolerance_day: wholeOf(options, "fee-tolerance-day"),
    carry_days: countOf(options, "carry-days"),
    case_limit: wholeOf(options, "case-limit"),
    late_hours: countOf(options, "late-hours"),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

const showRules = ({ fee_tolerance, fee_tolerance_day, case_limit, channel_account_id, ...rules }: Rules) => ({
  ...{ channel_account: publicId("channel_account", channel_account_id), ...rules },
  ...{ fee_tolerance: `${fee_tolerance}`, fee_tolerance_day: `${fee_tolerance_day}`, case_limit: `${case_limit}` },
});

const actions: Record<string, Action> = {
  upload: (services, [path], options) => {
    if (path === undefined) throw new StartError("Which file? tributary reconcile upload <file> --account … --date …");
    const key = keyOf(options);
    const kind = textOption(options, "kind") ?? "trade";
    if (kind !== "trade" && kind !== "fund_flow") throw new StartError("--kind takes trade or fund_flow.");
    const command = { operation: "reconcile upload", target: `${requireText(options, "account")} ${key.day} ${kind}` };
    return actAs(services, options, command, ({ email }) =>
      services.withPlatform(async ({ reconciliation }) => {
        const content = createReadStream(path, { highWaterMark: 262_144 });
        const upload = { ...key, kind, name: basename(path), content, uploaded_by: email } as const;
        const { bill, former, known } = await uploadBill(reconciliation, upload);
        return { known, bill: presentBill(bill), former: former ? presentBill(former) : null };
      }),
    );
  },
  close: (services, _args, options) => {
    const [key, reason] = [keyOf(options), requireText(options, "reason")];
    const command = { operation: "reconcile close", target: `${requireText(options, "account")} ${key.day}` };
    return actAs(services, options, command, ({ id: maker_id }) =>
      services.withPlatform(async ({ reconciliation }) => ({
        approval: publicId("approval", await proposeClose(reconciliation, key, { maker_id, reason })),
      })),
    );
  },
  cases: ({ withPlatform }, _args, options) =>
    withPlatform(async ({ reconciliation: { db } }) => {
      const account = textOption(options, "account");
      const channel_account_id = account === undefined ? null : readId("channel_account", account);
      const day = textOption(options, "date") === undefined ? null : readDay(options);
      const found = await listCases(db, { channel_account_id, day, all: options.all === true, limit: LIST_MAX });
      return found.map(presentCase);
    }),
  case: ({ withPlatform }, [text]) =>
    withPlatform(({ reconciliation }) => showCase(reconciliation, readId("reconciliation_case", text))),
  assign: onCase("assign", (services, id, operator) => assignCase(services, id, operator.id)),
  comment: onCase("comment", async (services, case_id, { email }, options) => {
    const text = requireText(options, "text");
    const path = textOption(options, "file");
    const stored = path === undefined ? undefined : await services.storage.put("cases", createReadStream(path));
    const attachment = {
      attachment_name: path === undefined ? null : basename(path),
      attachment_key: stored?.key ?? null,
    };
    await commentOnCase(services, { case_id, author: email, text, ...attachment });
  }),
  propose: onCase("propose", (services, case_id, { id: maker_id }, options) => {
    const merchant = textOption(options, "merchant");
    const merchant_id = merchant === undefined ? undefined : readId("merchant", merchant);
    const reason = requireText(options, "reason");
    return proposeAction(services, { case_id, action: actionOf(options), reason, maker_id, merchant_id });
  }),
  reopen: onCase("reopen", (services, id) => reopenCase(services, id)),
  days: ({ withPlatform }, _args, options) =>
    withPlatform(async ({ reconciliation: { db } }) => {
      const account = textOption(options, "account") ?? "all";
      const channel_account_id = account === "all" ? null : readId("channel_account", account);
      const [from, to] = [readDay(options, "from"), readDay(options, "to")];
      const days = await listDays(db, { channel_account_id, from, to, limit: LIST_MAX });
      return Promise.all(
        days.map(async (day) => presentDay(day, await countDifferences(db, day), await loadClosing(db, day))),
      );
    }),
  rules: ({ withPlatform }, _args, options) =>
    withPlatform(async ({ reconciliation }) => {
      const id = readId("channel_account", requireText(options, "account"));
      return showRules(await changeRules(reconciliation, id, rulesFrom(options)));
    }),
};

export function reconcileCommand(withServices: WithServices): Command {
  const command = actionCommand(withServices, {
    usage: "reconcile [action] [id]",
    summary:
      "reconcile a day of a channel account with its bill; upload, close, cases, case, assign, comment, propose, reopen, days, rules",
    options: [
      { flags: "--account <id>", description: "the channel account, or all" },
      { flags: "--date <day>", description: "the channel's business day, such as 2026-11-20", text: true },
      { flags: "--json", description: "print JSON" },
      { flags: "--kind <kind>", description: "upload: trade or fund_flow (default: trade)" },
      BY_OPTION,
      { flags: "--reason <text>", description: "close, propose: why", text: true },
      { flags: "--action <name>", description: "propose: adjust, refund_payer, claim, write_off or explain" },
      { flags: "--merchant <id>", description: "propose: whose money it is, where no book has it" },
      { flags: "--text <text>", description: "comment: what you say", text: true },
      { flags: "--file <path>", description: "comment: a file beside it", text: true },
      { flags: "--all", description: "cases: resolved ones too" },
      { flags: "--from <day>", description: "days: the first", text: true },
      { flags: "--to <day>", description: "days: the last", text: true },
      { flags: "--time-zone <name>", description: "rules: whose days the channel's bills are of", text: true },
      { flags: "--first-day <day>", description: "rules: the first day that is reconciled", text: true },
      { flags: "--fetch <yes|no>", description: "rules: whether bills are fetched by themselves", text: true },
      { flags: "--fee-tolerance <amount>", description: "rules: of a line's fee, in minor units", text: true },
      { flags: "--fee-tolerance-day <amount>", description: "rules: of a day's fees together", text: true },
      { flags: "--carry-days <days>", description: "rules: how long an item waits for its pair", text: true },
      { flags: "--case-limit <amount>", description: "rules: a case above this holds its day open", text: true },
      { flags: "--late-hours <hours>", description: "rules: when a bill is late, after its day's end", text: true },
    ],
    actions,
  });
  return {
    ...command,
    run: (args, options) => (args.length === 0 ? runCommand(withServices, options) : command.run(args, options)),
  };
}
