/** The composition root: opens what everything shares and puts the modules together. Tests compose the same way. */
import { createChannelCaller } from "../channels/call.ts";
import { getChannel } from "../channels/registry.ts";
import type { Clock } from "../kit/clock.ts";
import { createEnvelope, type Envelope, type MasterKey } from "../kit/crypto.ts";
import { createIdSource, type IdSource } from "../kit/id.ts";
import type { Logger } from "../kit/log.ts";
import type { Random } from "../kit/random.ts";
import { type Database, openDatabase } from "../kit/sql/database.ts";
import type { DueLoop } from "../kit/worker/due-loop.ts";
import { createChannelAccounts } from "../modules/channel-account/index.ts";
import { type Authenticator, createAuthenticator } from "../modules/identity/index.ts";
import { getMerchant, loadWebhookSecrets } from "../modules/merchant/index.ts";
import { createPaymentServices, createPaymentWorkers, type PaymentServices } from "../modules/payment/index.ts";
import {
  createRefundServices,
  createRefundWorker,
  type RefundServices,
  startAutomaticRefunds,
} from "../modules/refund/index.ts";
import { createWebhookWorker, refuseReceiverUrl, type WebhookServices } from "../modules/webhook/index.ts";
import { createIdempotencyPurge } from "./purge.ts";

export interface ServiceSettings {
  database_url: string;
  database_connections: number;
  database_distributed: boolean;
  public_url: string;
  /** Requests per second and key. */
  key_rate: number;
  webhook_private_addresses: boolean;
  attempt_reuse_ms: number;
  /** How long a channel may take to answer; 10 s unless given. */
  channel_timeout_ms?: number;
}

/** What a process is made of besides its settings. */
export interface Parts {
  clock: Clock;
  random: Random;
  log: Logger;
  master_keys: readonly [MasterKey, ...MasterKey[]];
}

export interface Services extends Parts {
  settings: ServiceSettings;
  db: Database;
  ids: IdSource;
  envelope: Envelope;
  accounts: ReturnType<typeof createChannelAccounts>;
  authenticator: Authenticator;
  payment: PaymentServices;
  refund: RefundServices;
  webhook: WebhookServices;
  /** All workers, not started. */
  workers: readonly DueLoop[];
  close(): Promise<void>;
}

export function createServices(settings: ServiceSettings, parts: Parts): Services {
  const { clock, random, log } = parts;
  const db = openDatabase({
    url: settings.database_url,
    connections_max: settings.database_connections,
    log,
    random,
  });
  const ids = createIdSource(clock, random);
  const envelope = createEnvelope(parts.master_keys, random);
  const timeout = settings.channel_timeout_ms === undefined ? {} : { timeout_ms: settings.channel_timeout_ms };
  const channels = createChannelCaller({ clock, random, log, ...timeout });
  const accounts = createChannelAccounts({ db, clock, envelope, getChannel });
  const policy = { allow_private_addresses: settings.webhook_private_addresses };
  const shared = { db, clock, random, ids, log, envelope, channels, getChannel, accounts };
  const kick = { attempts() {}, refunds() {}, webhooks() {} };

  const refund = createRefundServices({ ...shared, settings: modulesSettings(settings), kick });
  const payment = createPaymentServices({
    ...shared,
    settings: {
      ...modulesSettings(settings),
      attempt_reuse_ms: settings.attempt_reuse_ms,
      refuseNotifyUrl: (url: string, livemode: boolean) => refuseReceiverUrl(url, livemode, policy),
    },
    kick,
    merchantName: async (merchant_id: string) => (await getMerchant(db, merchant_id)).name,
    startAutomaticRefunds: (tx, duplicates, at) => startAutomaticRefunds(ids, tx, duplicates, at),
  });
  const webhook: WebhookServices = { ...shared, ...policy, kickWebhookWorker: () => kick.webhooks() };

  const [attempts, ends] = createPaymentWorkers(payment);
  const refunds = createRefundWorker(refund);
  const webhooks = createWebhookWorker({
    ...shared,
    ...policy,
    loadAppWebhookSecrets: (merchant_id, app_id) =>
      loadWebhookSecrets({ sql: db, clock, envelope }, { merchant_id, app_id }),
  });
  kick.attempts = () => attempts!.kick();
  kick.refunds = () => refunds.kick();
  kick.webhooks = () => webhooks.kick();

  const authenticator = createAuthenticator({
    db,
    clock,
    key_limit: { per_second: settings.key_rate, burst: 2 * settings.key_rate },
    failure_limit: { per_second: 1, burst: 20 },
  });
  return {
    ...parts,
    settings,
    db,
    ids,
    envelope,
    accounts,
    authenticator,
    payment,
    refund,
    webhook,
    workers: [attempts!, ends!, refunds, webhooks, createIdempotencyPurge(db, clock, log)],
    async close() {
      await channels.end();
      await db.close();
    },
  };
}

function modulesSettings(settings: ServiceSettings) {
  return { public_url: settings.public_url, distributed: settings.database_distributed };
}
