/** `tributary approval …`: what waits for a second person, deciding it, and from where on one is needed. */
import { publicId } from "../../kit/id.ts";
import {
  type Approval,
  approvalErrors,
  cancelApproval,
  decideApproval,
  listApprovals,
  loadApproval,
  loadApprovalPolicies,
  presentApprovals,
  setApprovalPolicy,
} from "../../modules/approval/index.ts";
import type { Command } from "../command.ts";
import { StartError } from "../start-error.ts";
import {
  type Action,
  actAs,
  actionCommand,
  BY_OPTION,
  type Options,
  type Platform,
  readId,
  requireText,
  textOption,
  type WithServices,
} from "./administration.ts";

const LIST_MAX = 1_000;
const PAGE = { older_than: null, newer_than: null, order: "desc", fetch: LIST_MAX } as const;

async function show({ approval: services }: Platform, approval: Approval) {
  return (await presentApprovals(services, [approval]))[0];
}

function decide(decision: "approve" | "reject"): Action {
  return (services, [text], options) => {
    const id = readId("approval", text);
    const command = { operation: `approval ${decision}`, target: publicId("approval", id) };
    return actAs(services, options, command, (operator) =>
      services.withPlatform(async (platform) => {
        const comment = textOption(options, "comment") ?? null;
        const given = { id, decision, checker_id: operator.id, comment };
        return show(platform, await decideApproval(platform.approval, given));
      }),
    );
  };
}

/** Minor units, or null for `none`. */
function aboveOf(options: Options): bigint | null {
  const text = requireText(options, "above");
  if (text === "none") return null;
  if (/^\d{1,15}$/.test(text)) return BigInt(text);
  throw new StartError(`--above is "${text}": give a whole number of minor units, or none.`);
}

const actions: Record<string, Action> = {
  list: ({ withPlatform }, _args, options) =>
    withPlatform(async ({ approval: services }) => {
      const merchant = textOption(options, "merchant");
      const merchant_id = merchant === undefined ? null : readId("merchant", merchant);
      const filter = { status: options.all === true ? null : "pending", kind: null, merchant_id } as const;
      return presentApprovals(services, await listApprovals(services.db, filter, PAGE));
    }),
  show: ({ withPlatform }, [text]) =>
    withPlatform(async (platform) => {
      const approval = await loadApproval(platform.approval.db, readId("approval", text));
      if (!approval) throw approvalErrors["approval.not_found"]();
      return show(platform, approval);
    }),
  approve: decide("approve"),
  reject: decide("reject"),
  cancel: (services, [text], options) => {
    const id = readId("approval", text);
    const command = { operation: "approval cancel", target: publicId("approval", id) };
    return actAs(services, options, command, (operator) =>
      services.withPlatform(async (platform) =>
        show(platform, await cancelApproval(platform.approval, { id, user_id: operator.id })),
      ),
    );
  },
  policies: async ({ db }) =>
    (await loadApprovalPolicies(db, null)).map(({ kind, currency, above }) => ({ kind, currency, above: `${above}` })),
  "set-policy": (services, _args, options) => {
    const [kind, currency] = [requireText(options, "kind"), textOption(options, "currency") ?? "*"];
    const above = aboveOf(options);
    const command = { operation: "approval set-policy", target: `${kind} ${currency} above ${above ?? "none"}` };
    return actAs(services, options, command, () =>
      services.withPlatform(async ({ approval }) => {
        const policy = await setApprovalPolicy(approval, { kind, currency, above });
        return policy === undefined ? null : { kind, currency, above: `${policy.above}` };
      }),
    );
  },
};

export function approvalCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "approval <action> [id]",
    summary: "list what waits for a second operator, show, approve, reject or cancel one; policies, set-policy",
    options: [
      BY_OPTION,
      { flags: "--comment <text>", description: "approve, reject: what the checker says to it", text: true },
      { flags: "--all", description: "list: decided ones too" },
      { flags: "--merchant <id>", description: "list: only about this merchant" },
      { flags: "--kind <kind>", description: "set-policy: of what" },
      {
        flags: "--currency <code>",
        description: "set-policy: ISO 4217 (default: *, all without a policy of their own)",
      },
      {
        flags: "--above <amount>",
        description: "set-policy: more than this needs a checker, in minor units; none: no checker is needed",
        text: true,
      },
    ],
    actions,
  });
}
