/** `tributary beneficiary …`: whom merchants' money may be paid out to. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import {
  type BeneficiarySettings,
  type Changing,
  disableBeneficiary,
  enableBeneficiary,
  listBeneficiaries,
  loadBeneficiaries,
  loadBeneficiaryChanges,
  loadBeneficiaryVersions,
  presentBeneficiary,
  presentHistory,
  readBeneficiarySettings,
  refuseBeneficiary,
  setBeneficiarySettings,
  verificationRules,
  verifyBeneficiary,
} from "../../modules/beneficiary/index.ts";
import type { Command } from "../command.ts";
import { StartError } from "../start-error.ts";
import {
  type Action,
  type AdministrationServices,
  actionCommand,
  hoursOption,
  type Options,
  readId,
  requireText,
  textOption,
  type WithServices,
} from "./administration.ts";

const LIST_MAX = 1_000;
const ACTOR = "command line";

function bookOf(options: Options) {
  return { merchant_id: readId("merchant", requireText(options, "merchant")), livemode: options.live === true };
}

function showSettings({ merchant_id, livemode, cooling_s, verification }: BeneficiarySettings) {
  return { merchant: publicId("merchant", merchant_id), livemode, cooling_s, verification };
}

function ruleOf(options: Options) {
  const text = textOption(options, "verification");
  const rule = verificationRules.find((known) => known === text);
  if (text === undefined || rule) return rule;
  throw new StartError(`--verification is "${text}": give one of ${verificationRules.join(", ")}.`);
}

/** The beneficiary that is meant, in the book that it is in. */
async function changingOf({ db }: AdministrationServices, id: string | undefined, options: Options): Promise<Changing> {
  const key = { merchant_id: bookOf(options).merchant_id, id: readId("beneficiary", id) };
  const found = (await loadBeneficiaries(db, [key])).get(key.id);
  if (!found) throw new StartError("This merchant has no such beneficiary.");
  return { ...key, livemode: found.livemode, actor: ACTOR, note: textOption(options, "note") };
}

function versionOf(options: Options): number | undefined {
  const text = textOption(options, "version-seen");
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new StartError(`--version-seen is "${text}": give the version's number, as show says.`);
}

const actions: Record<string, Action> = {
  async list({ db }, _args, options) {
    const page = { older_than: null, newer_than: null, order: "desc", fetch: LIST_MAX } as const;
    const status = textOption(options, "status") ?? null;
    return (await listBeneficiaries(db, { ...bookOf(options), status, type: null, page })).map(presentBeneficiary);
  },
  async show(services, [id], options) {
    const key = await changingOf(services, id, options);
    const beneficiary = (await loadBeneficiaries(services.db, [key])).get(key.id)!;
    const versions = await loadBeneficiaryVersions(services.db, key);
    const changes = await loadBeneficiaryChanges(services.db, key);
    return {
      ...presentBeneficiary(beneficiary),
      ...presentHistory(versions, changes),
      now: toRfc3339(services.clock.now()),
    };
  },
  async verify(services, [id], options) {
    const changing = await changingOf(services, id, options);
    return presentBeneficiary(await verifyBeneficiary(services, changing, versionOf(options)));
  },
  async refuse(services, [id], options) {
    const changing = await changingOf(services, id, options);
    return presentBeneficiary(await refuseBeneficiary(services, changing, versionOf(options)));
  },
  async disable(services, [id], options) {
    return presentBeneficiary(await disableBeneficiary(services, await changingOf(services, id, options)));
  },
  async enable(services, [id], options) {
    return presentBeneficiary(await enableBeneficiary(services, await changingOf(services, id, options)));
  },
  async set(services, _args, options) {
    const cooling_ms = hoursOption(options, "cooling");
    const verification = ruleOf(options);
    const settings = await setBeneficiarySettings(services, {
      ...bookOf(options),
      ...(cooling_ms !== undefined && { cooling_s: Math.round(cooling_ms / 1000) }),
      ...(verification !== undefined && { verification }),
    });
    return showSettings(settings);
  },
  async settings({ db }, _args, options) {
    const { merchant_id, livemode } = bookOf(options);
    return showSettings(await readBeneficiarySettings(db, merchant_id, livemode));
  },
};

export function beneficiaryCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "beneficiary <action> [id]",
    summary: "list a merchant's beneficiaries, show one, verify, refuse, disable, enable it; set when they are paid to",
    options: [
      { flags: "--merchant <id>", description: "whose" },
      { flags: "--live", description: "of live money instead of the sandbox's" },
      { flags: "--status <status>", description: "list: only unverified, verified, disabled or deleted ones" },
      { flags: "--version-seen <number>", description: "verify, refuse: the version that you have looked at" },
      { flags: "--note <text>", description: "why, for the history", text: true },
      { flags: "--cooling <hours>", description: "set: nothing is paid to a new account for so long (default: 24)" },
      { flags: "--verification <rule>", description: `set: ${verificationRules.join(", ")} (default: operator)` },
    ],
    actions,
  });
}
