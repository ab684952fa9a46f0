/** Tells the channel of a payout whose intent is on disk, asks what became of it, and records what it says. */
import type { Channel, ChannelAccount, TransferInput, Transfers } from "../../channels/contract.ts";
import { invariant } from "../../kit/error.ts";
import { openVersion } from "../beneficiary/index.ts";
import type { OutcomeSource } from "./decide-outcome.ts";
import type { Payout } from "./payout.ts";
import { recordOutcome } from "./record-outcome.ts";
import type { PayoutServices } from "./services.ts";

/** Sends, or sends again (`repetition`) with the same number, which is the same transfer to the channel. */
export async function tellPayer(
  services: PayoutServices,
  payout: Payout,
  from: Exclude<OutcomeSource, "channel">,
): Promise<Payout> {
  const { name, account, transfers } = await openPayer(services, payout);
  const input = await transferInput(services, payout, name);
  const outcome = await services.channels.run(`${name}.transfer`, account, transfers.transfer, input);
  return recordOutcome(services, payout, outcome, from);
}

/** Asks the channel how a transfer stands; one that it does not have is sent again. */
export async function askPayer(services: PayoutServices, payout: Payout): Promise<Payout> {
  const { name, account, transfers } = await openPayer(services, payout);
  const input = await transferInput(services, payout, name);
  const outcome = await services.channels.run(`${name}.transfer_query`, account, transfers.query, input);
  // What was paid once is never sent again, whatever the channel has forgotten.
  if (outcome.kind === "not_found" && payout.succeeded_at === null) return tellPayer(services, payout, "repetition");
  return recordOutcome(services, payout, outcome, "channel");
}

interface OpenPayer {
  readonly name: string;
  readonly account: ChannelAccount;
  readonly transfers: Transfers;
}

async function openPayer(services: PayoutServices, payout: Payout): Promise<OpenPayer> {
  invariant(payout.channel !== null && payout.channel_account_id !== null, "a payout that is sent has its payer");
  const channel: Channel | undefined = services.getChannel(payout.channel);
  const account = await services.accounts.open(payout.channel_account_id);
  invariant(channel?.transfers && account, `channel account ${payout.channel_account_id} of a payout is missing`);
  return { name: channel.id, account, transfers: channel.transfers };
}

async function transferInput(services: PayoutServices, payout: Payout, channel: string): Promise<TransferInput> {
  const { merchant_id, beneficiary_id: id, beneficiary_version: version, channel_account_id } = payout;
  const opened = await openVersion(services, { merchant_id, id, version });
  invariant(opened?.details.kind, "a payout through a channel has an account that it takes");
  return {
    transfer_no: payout.transfer_no,
    amount: { amount: payout.transfer_amount, currency: payout.currency },
    beneficiary: { kind: opened.details.kind, account: opened.account.reveal(), name: opened.name?.reveal() },
    title: payout.title ?? "提现",
    notify_url: `${services.settings.public_url}/notify/${channel}/${channel_account_id}/${merchant_id}`,
    created_at: payout.created_at,
  };
}
