/** `tributary agent …`: who brings merchants, what each level pays, and what they are owed. */
import { writeFileSync } from "node:fs";
import { publicId } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import {
  type Agent,
  bindMerchant,
  createAgent,
  getAgent,
  listAgents,
  loadAgentPrices,
  moveAgent,
  presentAgent,
  presentBinding,
  presentPrice,
  type Rate,
  setAgentPrice,
} from "../../modules/agent/index.ts";
import {
  exportLines,
  listCommissionSettlements,
  presentCommissionSettlement,
  presentLine,
  readLines,
  settleAgent,
} from "../../modules/commission/index.ts";
import type { Command } from "../command.ts";
import { StartError } from "../start-error.ts";
import {
  type Action,
  type AdministrationServices,
  actionCommand,
  type Options,
  readId,
  requireText,
  textOption,
  type WithServices,
} from "./administration.ts";
import { percentToPpm, readAmount, readInstant } from "./fee-options.ts";

const LIST_MAX = 1_000;
const page = { older_than: null, newer_than: null, order: "desc", fetch: LIST_MAX } as const;

const agentOf = (options: Options) => readId("agent", requireText(options, "agent"));

function fromOf(options: Options): { effective_from?: number } {
  const effective_from = readInstant(options, "from");
  return effective_from === undefined ? {} : { effective_from };
}

/** `--maximum 1%` and `--maximum-fixed 10`; undefined when neither is given. */
function rateOf(options: Options, name: string, fixed = `${name}-fixed`): Rate | undefined {
  const [percent, fixed_amount] = [textOption(options, name), readAmount(options, fixed)];
  if (percent === undefined && fixed_amount === undefined) return undefined;
  return { rate_ppm: percentToPpm(percent ?? "0", name), fixed_amount: fixed_amount ?? 0n };
}

function optional<Name extends string>(name: Name, rate: Rate | undefined) {
  return (rate === undefined ? {} : { [name]: rate }) as { [Key in Name]?: Rate };
}

interface Branch {
  id: string;
  name: string;
  agents: Branch[];
}

/** Agents as they stand below each other. */
function treeOf(agents: readonly Agent[], parent_id: string | null, top?: string): Branch[] {
  return agents
    .filter((agent) => (top === undefined ? agent.parent_id === parent_id : agent.id === top))
    .map(({ id, name }) => ({ id: publicId("agent", id), name, agents: treeOf(agents, id) }));
}

async function loadTree({ db }: AdministrationServices, within: string | null): Promise<Agent[]> {
  const agents: Agent[] = [];
  for (let older_than: string | null = null; ; ) {
    const some: Agent[] = await listAgents(db, { within, parent_id: null, page: { ...page, older_than } });
    agents.push(...some);
    if (some.length < LIST_MAX) return agents;
    older_than = some.at(-1)!.id;
  }
}

/** A month of an agent, with its lines or the file that they are written to. */
async function readStatement({ db }: AdministrationServices, options: Options) {
  const merchant_id = agentOf(options);
  const [month, file] = [requireText(options, "month"), textOption(options, "out")];
  const wanted = textOption(options, "currency") ?? "CNY";
  const found = await listCommissionSettlements(db, { merchant_id, livemode: options.live === true, month, page });
  const settlement = found.find(({ currency }) => currency === wanted);
  if (!settlement) throw new StartError(`There is no settlement of ${month} in ${wanted} in this mode.`);
  if (file === undefined) {
    const lines: ReturnType<typeof presentLine>[] = [];
    for await (const one of readLines(db, settlement.id)) {
      lines.push(...one.lines.map((line) => presentLine(line, one.names)));
    }
    return { ...presentCommissionSettlement(settlement), lines };
  }
  const chunks: Buffer[] = [];
  for await (const chunk of exportLines(db, settlement)) chunks.push(chunk);
  writeFileSync(file, Buffer.concat(chunks));
  return { ...presentCommissionSettlement(settlement), file };
}

const actions: Record<string, Action> = {
  async create(services, _args, options) {
    const [parent, time_zone] = [textOption(options, "parent"), textOption(options, "time-zone")];
    const parent_id = parent === undefined ? null : readId("agent", parent);
    const input = { name: requireText(options, "name"), parent_id, ...(time_zone !== undefined && { time_zone }) };
    return presentAgent(await services.db.transaction((tx) => createAgent(tx, services, input)));
  },
  async tree(services, _args, options) {
    const top = textOption(options, "agent") === undefined ? undefined : agentOf(options);
    if (top !== undefined) await getAgent(services.db, top);
    return treeOf(await loadTree(services, top ?? null), null, top);
  },
  async price(services, _args, options) {
    const input = {
      ...{ agent_id: agentOf(options), method: textOption(options, "method") ?? null },
      ...{ currency: textOption(options, "currency") ?? "CNY", ...fromOf(options) },
      price: { rate_ppm: percentToPpm(requireText(options, "rate")), fixed_amount: readAmount(options, "fixed") ?? 0n },
      ...optional("default", rateOf(options, "default")),
      ...optional("minimum", rateOf(options, "minimum")),
      ...optional("maximum", rateOf(options, "maximum")),
    };
    return presentPrice(await services.db.transaction((tx) => setAgentPrice(tx, services, input)));
  },
  async prices({ db }, _args, options) {
    const { id } = await getAgent(db, agentOf(options));
    return (await loadAgentPrices(db, [id])).map(presentPrice);
  },
  async bind(services, _args, options) {
    const merchant_id = readId("merchant", requireText(options, "merchant"));
    const agent_id = textOption(options, "agent") === undefined ? null : agentOf(options);
    return presentBinding(await bindMerchant(services.db, services, { merchant_id, agent_id, ...fromOf(options) }));
  },
  async move(services, _args, options) {
    const parent = textOption(options, "parent");
    const parent_id = parent === undefined ? null : readId("agent", parent);
    const id = agentOf(options);
    return presentAgent(await services.db.transaction((tx) => moveAgent(tx, services, id, parent_id)));
  },
  async settle(services, _args, options) {
    const settled = await settleAgent({ ...services, log: createLogger("warn") }, agentOf(options));
    return settled.map(presentCommissionSettlement);
  },
  async settlements({ db }, _args, options) {
    const { id: merchant_id } = await getAgent(db, agentOf(options));
    const filter = { merchant_id, livemode: options.live === true, month: textOption(options, "month") ?? null, page };
    return (await listCommissionSettlements(db, filter)).map(presentCommissionSettlement);
  },
  statement: (services, _args, options) => readStatement(services, options),
};

export function agentCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "agent <action>",
    summary:
      "create agents, show their tree, price: set what one pays, prices, bind a merchant, move one, settle months that are over, settlements, statement of a month",
    options: [
      { flags: "--agent <id>", description: "which; bind without it: nobody's" },
      { flags: "--name <name>", description: "create: its name" },
      { flags: "--parent <id>", description: "create, move: the agent above (default: the platform)" },
      { flags: "--time-zone <name>", description: "create: by which its months end (default: Asia/Shanghai)" },
      { flags: "--merchant <id>", description: "bind: which merchant" },
      { flags: "--rate <percent>", description: "price: what it pays, such as 0.38%" },
      { flags: "--fixed <amount>", description: "price: added to each payment, in minor units" },
      { flags: "--minimum <percent>", description: "price: the least it may give on (default: its own)" },
      { flags: "--minimum-fixed <amount>", description: "price: with it" },
      { flags: "--default <percent>", description: "price: what agents below pay without a price of their own" },
      { flags: "--default-fixed <amount>", description: "price: with it" },
      {
        flags: "--maximum <percent>",
        description: "price: the most it may give on (default: that of the level above)",
      },
      { flags: "--maximum-fixed <amount>", description: "price: with it" },
      { flags: "--method <name>", description: "price: a method, or all of a channel as wechat.* (default: all)" },
      { flags: "--currency <code>", description: "ISO 4217 (default: CNY)" },
      { flags: "--from <instant>", description: "price, bind: from then on (default: now)" },
      { flags: "--live", description: "settlements, statement: live money instead of the sandbox's" },
      { flags: "--month <month>", description: "settlements, statement: such as 2026-11" },
      { flags: "--out <file>", description: "statement: write its lines there as CSV" },
    ],
    actions,
  });
}
