/** Who pays a payout: a channel account of the platform that transfers to that kind of account, or our bank by a file. */
import type { Channel, ChannelAccount } from "../../channels/contract.ts";
import type { Beneficiary } from "../beneficiary/index.ts";
import { payoutErrors } from "./errors.ts";
import type { Book, PayoutServices } from "./services.ts";
import { readPayoutSettings } from "./settings.ts";

/** Who pays. */
export type Payer =
  | { readonly kind: "bank" }
  | { readonly kind: "channel"; readonly channel: Channel; readonly account: ChannelAccount };

type Routing = Pick<PayoutServices, "db" | "accounts" | "getChannel">;

/**
 * The preferred account that fits: pooled, enabled and bound to the merchant; its channel transfers to such accounts in
 * that currency; and an openid is one of its own app. Bank cards are always our bank's.
 */
export async function findPayer(
  services: Routing,
  book: Book,
  beneficiary: Pick<Beneficiary, "type" | "details">,
  currency: string,
): Promise<Payer | undefined> {
  if (beneficiary.type === "bank_card") return { kind: "bank" };
  const { kind, appid } = beneficiary.details;
  const { channel_accounts: preferred } = await readPayoutSettings(services.db, { ...book, currency });
  const bound = await services.accounts.listForMerchant(book);
  const chosen = preferred.length === 0 ? bound : preferred.flatMap((id) => bound.filter((one) => one.id === id));
  for (const choice of chosen) {
    const channel = services.getChannel(choice.channel);
    if (choice.funding_mode !== "pooled" || choice.channel !== beneficiary.type) continue;
    if (!channel?.transfers || kind === null || !channel.transfers.beneficiaryKinds.includes(kind)) continue;
    if (!channel.currencies.includes(currency)) continue;
    const account = await services.accounts.open(choice.id);
    if (!account || (appid !== undefined && account.config.appid !== appid)) continue;
    return { kind: "channel", channel, account };
  }
  return undefined;
}

/** Refuses what nobody could pay. @throws payout.no_channel */
export async function requirePayer(
  services: Routing,
  book: Book,
  beneficiary: Pick<Beneficiary, "type" | "details">,
  currency: string,
): Promise<Payer> {
  const payer = await findPayer(services, book, beneficiary, currency);
  if (!payer) throw payoutErrors["payout.no_channel"]({ param: "beneficiary", values: { currency } });
  return payer;
}
