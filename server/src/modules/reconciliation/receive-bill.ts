/** A bill's files: kept as they came, read back from where they are kept, and loaded. */
import { createHash } from "node:crypto";
import { PassThrough } from "node:stream";
import { type BillFile, BillRefused, readBill, unpackBill } from "../../channels/bill-reader.ts";
import type { BillKind } from "../../channels/contract.ts";
import { getChannelAccount } from "../channel-account/index.ts";
import { reconciliationErrors } from "./errors.ts";
import { type LoadedBill, loadBill } from "./load-bill.ts";
import type { BillFileRecord, DayKey } from "./reconciliation.ts";
import type { ReconciliationServices } from "./services.ts";

const AREA = "bills";

export interface UploadedBill extends DayKey {
  readonly kind: BillKind;
  readonly name: string;
  readonly content: AsyncIterable<Uint8Array>;
  /** Who uploads it, for the record. */
  readonly uploaded_by: string;
}

/**
 * Takes a bill that a person hands in: as it is, gzip or zip. The newest of a day and kind counts.
 * @throws reconciliation.bill_refused, reconciliation.bill_unreadable, reconciliation.day_closed
 */
export async function uploadBill(services: ReconciliationServices, upload: UploadedBill): Promise<LoadedBill> {
  const { storage, db, accounts, getChannel } = services;
  const record = await getChannelAccount(db, upload.channel_account_id);
  const account = await accounts.open(record.id);
  const channel = getChannel(record.channel);
  const [method] = record.methods;
  const merchant = account && method ? channel?.identify(account, method as never).merchant : undefined;
  const { key, bytes, sha256 } = await storage.put(AREA, upload.content);
  const file = { name: upload.name, key, bytes, sha256 };
  const files = unpackBill(upload.name, await storage.get(key, sha256));
  return loadFiles(services, { ...upload, source: "uploaded", files: [file] }, files, merchant);
}

/** What came of asking a channel for a bill. */
export type FetchedBill =
  | { readonly kind: "loaded"; readonly loaded: LoadedBill }
  | { readonly kind: "not_ready"; readonly retry_after_ms: number }
  | { readonly kind: "trouble"; readonly problem: string };

/** Asks the channel for a day's bill of a kind, and loads it. */
export async function fetchBill(services: ReconciliationServices, key: DayKey, kind: BillKind): Promise<FetchedBill> {
  const { channels, accounts, getChannel, db } = services;
  const record = await getChannelAccount(db, key.channel_account_id);
  const [channel, account] = [getChannel(record.channel), await accounts.open(record.id)];
  if (!channel?.bills || !account)
    return { kind: "trouble", problem: "The account or its channel is not there any more." };
  const kept: Promise<BillFileRecord>[] = [];
  const sink = { open: (name: string | undefined) => keepFile(services, name, kept) };
  const outcome = await channels.downloadBill(channel, account, { kind, date: key.day }, sink);
  // A file that did not come whole was given up by whoever wrote it.
  const files = (await Promise.allSettled(kept)).flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  switch (outcome.kind) {
    case "not_ready":
      return outcome;
    case "empty":
      return { kind: "loaded", loaded: await loadEmpty(services, key, kind) };
    case "failed":
      return {
        kind: "trouble",
        problem: `The channel refuses the bill: ${outcome.failure.code} ${outcome.failure.message}`,
      };
    case "unknown":
      return { kind: "trouble", problem: `The bill did not come whole: ${outcome.reason}, ${outcome.detail}` };
    case "fetched": {
      if (files.length !== outcome.files) return { kind: "trouble", problem: "The bill could not be kept." };
      const bill = { ...key, kind, uploaded_by: null, source: "fetched" as const, files };
      return { kind: "loaded", loaded: await loadFiles(services, bill, readBack(services, files), undefined) };
    }
  }
}

function keepFile(
  { storage }: ReconciliationServices,
  name: string | undefined,
  kept: Promise<BillFileRecord>[],
): PassThrough {
  const stream = new PassThrough();
  const put = storage.put(AREA, stream).then(({ key, bytes, sha256 }) => ({ name: name ?? null, key, bytes, sha256 }));
  // Seen again when all have settled.
  put.catch(() => undefined);
  kept.push(put);
  return stream;
}

async function* readBack(
  { storage }: ReconciliationServices,
  files: readonly BillFileRecord[],
): AsyncGenerator<BillFile> {
  for (const { name, key, sha256 } of files) {
    yield { name: name ?? undefined, chunks: await storage.get(key, sha256) };
  }
}

type BillHead = DayKey & {
  readonly kind: BillKind;
  readonly uploaded_by: string | null;
  readonly source: "fetched" | "uploaded";
  readonly files: readonly BillFileRecord[];
};

async function loadFiles(
  services: ReconciliationServices,
  head: BillHead,
  files: AsyncIterable<BillFile>,
  merchant: string | undefined,
): Promise<LoadedBill> {
  const { channel_account_id, day, kind, uploaded_by, source } = head;
  const { channel } = await getChannelAccount(services.db, channel_account_id);
  const format = services.getChannel(channel)?.bills?.formats?.[kind];
  if (!format) throw reconciliationErrors["reconciliation.bill_unreadable"]({ values: { kind, channel } });
  const { batches } = readBill(format, { date: day, merchant }, files);
  try {
    return await loadBill(services, {
      ...{ channel_account_id, day, kind, source, uploaded_by, files: head.files, sha256: hashOf(head.files), batches },
    });
  } catch (error) {
    if (!(error instanceof BillRefused)) throw error;
    const values = { code: error.code, problem: error.message };
    throw reconciliationErrors["reconciliation.bill_refused"]({ values, cause: error });
  }
}

/** Of one file its own; of several, of their hashes one after the other. */
function hashOf(files: readonly BillFileRecord[]): Buffer {
  const [first, ...others] = files;
  if (first && others.length === 0) return Buffer.from(first.sha256, "hex");
  const hash = createHash("sha256");
  for (const { sha256 } of files) hash.update(sha256, "hex");
  return hash.digest();
}

function loadEmpty(services: ReconciliationServices, key: DayKey, kind: BillKind): Promise<LoadedBill> {
  const { channel_account_id, day } = key;
  async function* nothing() {}
  return loadBill(services, {
    ...{
      channel_account_id,
      day,
      kind,
      source: "empty",
      uploaded_by: null,
      files: [],
      sha256: null,
      batches: nothing(),
    },
  });
}
