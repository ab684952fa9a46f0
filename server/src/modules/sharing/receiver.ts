/** Whom parts of payments go to. Pure. */
import type { SharingReceiver } from "../../channels/contract.ts";
import { sha256 } from "../../kit/crypto.ts";
import type { Secret } from "../../kit/secret.ts";

/** A merchant of this platform, or whoever a channel names so. */
export type ReceiverKind = "merchant" | SharingReceiver["kind"];

/** A receiver as stored. */
export interface Receiver {
  merchant_id: string;
  id: string;
  livemode: boolean;
  kind: ReceiverKind;
  /** Null for a merchant of this platform. */
  channel: string | null;
  receiver_merchant_id: string | null;
  /** Account and name, sealed. */
  sealed: Buffer | null;
  account_mask: string | null;
  name_mask: string | null;
  /** Two receivers of one merchant that are the same have one identity. */
  identity: string;
  label: string | null;
  status: "active" | "disabled";
  created_at: number;
}

/** Who a receiver is at a channel. Personal data: never logged. */
export interface Particulars {
  account: string;
  name?: string;
}

/** The row that a sealed value belongs to. */
export function sealContext({ merchant_id, id }: Pick<Receiver, "merchant_id" | "id">): string {
  return `sharing_receivers ${merchant_id} ${id}`;
}

/** Reads what was sealed. */
export function readParticulars(opened: Secret): Particulars {
  return JSON.parse(opened.reveal()) as Particulars;
}

/** The identity of a receiver at a channel; the account stands in it as a hash. */
export function channelIdentity(channel: string, kind: ReceiverKind, account: string): string {
  return `${channel}:${kind}:${sha256(account).toString("hex")}`;
}

/** The first and last characters of an account, and of a name the last: enough to recognize, too little to use. */
export function maskAccount(account: string): string {
  const characters = [...account];
  if (characters.length <= 6) return `${characters[0] ?? ""}***`;
  return `${characters.slice(0, 3).join("")}***${characters.slice(-3).join("")}`;
}

export function maskName(name: string): string {
  return `***${[...name].at(-1) ?? ""}`;
}

/** Several receivers with what each gets, under one name. Never changed: what names it keeps what it meant. */
export interface ReceiverGroup {
  merchant_id: string;
  id: string;
  livemode: boolean;
  name: string;
  members: readonly GroupMember[];
  status: "active" | "disabled";
  created_at: number;
}

export interface GroupMember {
  /** UUID. */
  receiver_id: string;
  /** Decimal text of minor units; or `ratio_ppm`. */
  amount?: string;
  ratio_ppm?: number;
}

/** That a channel account knows a receiver. `created` is intent on disk: the channel may have been asked. */
export interface Binding {
  merchant_id: string;
  receiver_id: string;
  channel_account_id: string;
  channel: string;
  status: "created" | "bound" | "failed" | "removing" | "removed";
  failure_code: string | null;
  failure_message: string | null;
  query_count: number;
}
