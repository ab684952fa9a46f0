/** Makes, finds and disables receivers. */
import type { Channel, SharingReceiver } from "../../channels/contract.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Envelope } from "../../kit/crypto.ts";
import { TributaryError } from "../../kit/error.ts";
import { type IdSource, parsePublicId, publicId } from "../../kit/id.ts";
import { Secret } from "../../kit/secret.ts";
import type { Database, Sql } from "../../kit/sql/database.ts";
import { getMerchant } from "../merchant/index.ts";
import { sharingErrors } from "./errors.ts";
import {
  channelIdentity,
  maskAccount,
  maskName,
  type Particulars,
  type Receiver,
  type ReceiverKind,
  readParticulars,
  sealContext,
} from "./receiver.ts";
import {
  type Book,
  hasOpenPartsOf,
  insertReceiver,
  loadReceivers,
  lockReceiver,
  lockReceiverByIdentity,
  removeBindings,
  updateReceiver,
} from "./receiver-store.ts";

export interface ReceiverServices {
  db: Database;
  clock: Clock;
  ids: IdSource;
  envelope: Envelope;
  getChannel(id: string): Channel | undefined;
}

/** A merchant of this platform, or whoever a channel names so. */
export interface NewReceiver {
  kind: ReceiverKind;
  /** Public id, for `merchant`. */
  merchant?: string | undefined;
  channel?: string | undefined;
  account?: string | undefined;
  name?: string | undefined;
  label?: string | undefined;
}

/**
 * Makes a receiver. The same again gives the one that is there, and makes a disabled one good again.
 * Throws receiver.invalid, receiver.conflict.
 */
export async function createReceiver(
  services: ReceiverServices,
  book: Book,
  input: NewReceiver,
): Promise<{ receiver: Receiver; created: boolean }> {
  const id = services.ids.uuid();
  const made =
    input.kind === "merchant" ? await ofMerchant(services, book, input) : ofChannel(services, book, id, input);
  const receiver: Receiver = {
    ...{ merchant_id: book.merchant_id, id, livemode: book.livemode, kind: input.kind, ...made },
    ...{ label: input.label ?? null, status: "active", created_at: services.clock.now() },
  };
  return services.db.transaction(async (tx) => {
    if (await insertReceiver(tx, receiver)) return { receiver, created: true };
    const existing = (await lockReceiverByIdentity(tx, book, receiver.identity))!;
    const same = existing.sealed === null || nameOf(services, existing) === input.name;
    if (existing.status === "active") {
      if (same) return { receiver: existing, created: false };
      const values = { receiver: publicId("receiver", existing.id) };
      throw sharingErrors["receiver.conflict"]({ param: "name", values });
    }
    const again: Receiver = { ...existing, status: "active", label: receiver.label };
    if (input.kind !== "merchant") {
      const { sealed, name_mask } = ofChannel(services, book, existing.id, input);
      Object.assign(again, { sealed, name_mask });
    }
    await updateReceiver(tx, again);
    return { receiver: again, created: false };
  });
}

type Made = Pick<Receiver, "channel" | "receiver_merchant_id" | "sealed" | "account_mask" | "name_mask" | "identity">;

async function ofMerchant({ db }: ReceiverServices, book: Book, { merchant }: NewReceiver): Promise<Made> {
  const receiver_merchant_id = merchant === undefined ? undefined : parsePublicId("merchant", merchant);
  const found = receiver_merchant_id && (await getMerchant(db, receiver_merchant_id).catch(noSuchMerchant));
  if (!receiver_merchant_id || !found || found.status !== "active") {
    throw invalid("merchant", "there is no such active merchant on this platform");
  }
  if (receiver_merchant_id === book.merchant_id) throw invalid("merchant", "a merchant does not share with itself");
  const identity = `merchant:${receiver_merchant_id}`;
  return { channel: null, receiver_merchant_id, sealed: null, account_mask: null, name_mask: null, identity };
}

function noSuchMerchant(error: unknown): undefined {
  if (error instanceof TributaryError) return undefined;
  throw error;
}

function ofChannel(services: ReceiverServices, book: Book, id: string, input: NewReceiver): Made {
  const { channel, account, name } = input;
  const kind = input.kind as SharingReceiver["kind"];
  const sharing = channel === undefined ? undefined : services.getChannel(channel)?.sharing;
  if (channel === undefined || !sharing) throw invalid("channel", "no channel of that name passes parts on");
  if (!sharing.receiverKinds.includes(kind)) {
    throw invalid("kind", `${channel} takes ${sharing.receiverKinds.join(", ")}`);
  }
  if (account === undefined) throw invalid("account", "say which account");
  if (name === undefined && sharing.namedKinds.includes(kind)) {
    throw invalid("name", `${channel} takes a ${kind} only together with its name`);
  }
  const particulars: Particulars = { account, ...(name === undefined ? {} : { name }) };
  const context = sealContext({ merchant_id: book.merchant_id, id });
  return {
    ...{ channel, receiver_merchant_id: null, account_mask: maskAccount(account) },
    sealed: services.envelope.seal(new Secret(JSON.stringify(particulars)), context),
    name_mask: name === undefined ? null : maskName(name),
    identity: channelIdentity(channel, kind, account),
  };
}

function invalid(param: string, problem: string): Error {
  return sharingErrors["receiver.invalid"]({ param, values: { problem } });
}

/** Who a receiver is at its channel. */
export function openReceiver({ envelope }: { envelope: Envelope }, receiver: Receiver): SharingReceiver {
  const { account, name } = readParticulars(envelope.open(receiver.sealed!, sealContext(receiver)));
  return { kind: receiver.kind as SharingReceiver["kind"], account, name };
}

function nameOf(services: ReceiverServices, receiver: Receiver): string | undefined {
  return openReceiver(services, receiver).name;
}

/** The receiver of a public id. Throws receiver.not_found. */
export async function findReceiver(sql: Sql, book: Book, public_id: string): Promise<Receiver> {
  const id = parsePublicId("receiver", public_id);
  const receiver = id && (await loadReceivers(sql, book.merchant_id, [id])).get(id);
  if (!receiver || receiver.livemode !== book.livemode) throw unknownReceiver(public_id);
  return receiver;
}

export function unknownReceiver(receiver: string): Error {
  return sharingErrors["receiver.not_found"]({ values: { receiver } });
}

/**
 * Shares with it no more, and has every channel account forget it. Doing it again changes nothing.
 * Throws receiver.not_found, receiver.in_use.
 */
export async function disableReceiver(
  services: Pick<ReceiverServices, "db" | "clock">,
  book: Book,
  public_id: string,
): Promise<Receiver> {
  const { id } = await findReceiver(services.db, book, public_id);
  return services.db.transaction(async (tx) => {
    const receiver = (await lockReceiver(tx, { merchant_id: book.merchant_id, id }))!;
    if (receiver.status === "disabled") return receiver;
    if (await hasOpenPartsOf(tx, receiver)) throw sharingErrors["receiver.in_use"]();
    const disabled: Receiver = { ...receiver, status: "disabled" };
    await updateReceiver(tx, disabled);
    await removeBindings(tx, receiver, services.clock.now());
    return disabled;
  });
}
