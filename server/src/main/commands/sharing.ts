/** `tributary sharing …`: what is shared by rule, what refunds of it do, what channels have agreed to, and receivers. */
import { publicId } from "../../kit/id.ts";
import { getChannelAccount } from "../../modules/channel-account/index.ts";
import {
  ALL_APPS,
  createReceiver,
  disableReceiver,
  listReceivers,
  listSharingRules,
  type NewReceiver,
  presentReceiver,
  presentShare,
  type RefundPolicy,
  refundPolicies,
  type SharingRule,
  saveAgreement,
  savePolicy,
  setSharingRule,
} from "../../modules/sharing/index.ts";
import type { Command } from "../command.ts";
import { StartError } from "../start-error.ts";
import {
  type Action,
  actionCommand,
  type Options,
  readId,
  requireText,
  textOption,
  type WithServices,
} from "./administration.ts";

const LIST_MAX = 1_000;

function bookOf(options: Options) {
  const merchant_id = readId("merchant", requireText(options, "merchant"));
  return { merchant_id, livemode: options.live === true };
}

function appOf(options: Options): string | undefined {
  const text = textOption(options, "app");
  return text === undefined ? undefined : readId("app", text);
}

function showRule({ merchant_id, livemode, app_id, plan }: SharingRule) {
  return {
    merchant: publicId("merchant", merchant_id),
    livemode,
    app: app_id === ALL_APPS ? null : publicId("app", app_id),
    hold: plan?.hold ?? false,
    release: plan?.release ?? false,
    receivers: (plan?.shares ?? []).map(presentShare),
  };
}

function policyOf(options: Options): RefundPolicy {
  const text = requireText(options, "policy");
  const policy = refundPolicies.find((known) => known === text);
  if (!policy) throw new StartError(`--policy is "${text}": choose one of ${refundPolicies.join(", ")}.`);
  return policy;
}

const PERCENT = /^(\d{1,3})(?:\.(\d{1,4}))?%?$/;

/** `30`, `30%` or `12.5%` in parts per million. */
function ppmOf(options: Options): number {
  const text = requireText(options, "max");
  const match = PERCENT.exec(text);
  const ppm = match ? Number(match[1]) * 10_000 + Number((match[2] ?? "").padEnd(4, "0")) : 0;
  if (ppm >= 1 && ppm <= 1_000_000) return ppm;
  throw new StartError(`--max is "${text}": give a percentage above 0 and up to 100, such as 50%.`);
}

function receiverOf(options: Options): NewReceiver {
  const to = textOption(options, "to");
  const label = textOption(options, "label");
  if (to !== undefined) return { kind: "merchant", merchant: to, label };
  return {
    kind: requireText(options, "kind") as NewReceiver["kind"],
    channel: requireText(options, "channel"),
    account: requireText(options, "account"),
    ...{ name: textOption(options, "name"), label },
  };
}

const actions: Record<string, Action> = {
  async "set-rule"(services, _args, options) {
    const group = requireText(options, "group");
    const asked = { group, release: options.keep !== true };
    return showRule(await setSharingRule(services, bookOf(options), appOf(options), asked));
  },
  async "remove-rule"(services, _args, options) {
    return showRule(await setSharingRule(services, bookOf(options), appOf(options), undefined));
  },
  async rules({ db }, _args, options) {
    const merchant_id = readId("merchant", requireText(options, "merchant"));
    return (await listSharingRules(db, merchant_id)).map(showRule);
  },
  async "set-policy"({ db, clock }, _args, options) {
    const book = bookOf(options);
    const policy = policyOf(options);
    await savePolicy(db, book, policy, clock.now());
    return { merchant: publicId("merchant", book.merchant_id), livemode: book.livemode, refund_policy: policy };
  },
  async agree({ db, clock }, _args, options) {
    const id = readId("channel_account", requireText(options, "channel-account"));
    await getChannelAccount(db, id);
    const share_ppm_max = ppmOf(options);
    await saveAgreement(db, id, share_ppm_max, clock.now());
    return { channel_account: publicId("channel_account", id), share_ppm_max };
  },
  async "add-receiver"(services, _args, options) {
    return presentReceiver((await createReceiver(services, bookOf(options), receiverOf(options))).receiver);
  },
  async receivers({ db }, _args, options) {
    const page = { older_than: null, newer_than: null, order: "desc", fetch: LIST_MAX } as const;
    const found = await listReceivers(db, bookOf(options), null, page);
    return found.map((receiver) => presentReceiver(receiver));
  },
  async "disable-receiver"(services, [id], options) {
    if (id === undefined) throw new StartError("Say which receiver: disable-receiver <rcv_…>.");
    return presentReceiver(await disableReceiver(services, bookOf(options), id));
  },
};

export function sharingCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "sharing <action> [receiver]",
    summary:
      "set-rule: share every payment with a group; remove-rule, rules; set-policy: what refunds of shared payments do; agree: what a channel lets be shared; add-receiver, receivers, disable-receiver",
    options: [
      { flags: "--merchant <id>", description: "whose" },
      { flags: "--live", description: "live money instead of the sandbox's" },
      { flags: "--app <id>", description: "rule: of this app only (default: all apps without a rule of their own)" },
      { flags: "--group <id>", description: "set-rule: the group of receivers" },
      { flags: "--keep", description: "set-rule: leave the rest held back at the channel" },
      { flags: "--policy <policy>", description: "set-policy: return, refuse or merchant" },
      { flags: "--channel-account <id>", description: "agree: the account with the channel" },
      { flags: "--max <percent>", description: "agree: the largest part of a payment, such as 50%", text: true },
      { flags: "--to <merchant>", description: "add-receiver: another merchant of this platform" },
      { flags: "--channel <name>", description: "add-receiver: wechat or alipay" },
      { flags: "--kind <kind>", description: "add-receiver: merchant_no, openid, user_id or login_id" },
      { flags: "--account <account>", description: "add-receiver: its number or name at the channel", text: true },
      { flags: "--name <name>", description: "add-receiver: its real name, where the channel checks it", text: true },
      { flags: "--label <text>", description: "add-receiver: what you call it", text: true },
    ],
    actions,
  });
}
