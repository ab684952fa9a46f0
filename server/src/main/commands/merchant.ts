/** `tributary merchant …` and `tributary app …`. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import {
  type App,
  createApp,
  createMerchant,
  getMerchant,
  loadApps,
  loadMerchants,
  type Merchant,
  type MerchantStatus,
  rotateWebhookSecret,
  setAppStatus,
  setMerchantStatus,
} from "../../modules/merchant/index.ts";
import type { Command } from "../command.ts";
import {
  type Action,
  actionCommand,
  hoursOption,
  readId,
  requireText,
  textOption,
  type WithServices,
} from "./administration.ts";

const LIST_MAX = 1_000;

function showMerchant(merchant: Merchant) {
  const { id, name, status, time_zone, created_at } = merchant;
  return { id: publicId("merchant", id), name, status, time_zone, created_at: toRfc3339(created_at) };
}

function showApp(app: App) {
  const { id, merchant_id, name, status, created_at } = app;
  const ids = { id: publicId("app", id), merchant: publicId("merchant", merchant_id) };
  return { ...ids, name, status, created_at: toRfc3339(created_at) };
}

function changeMerchant(status: MerchantStatus): Action {
  return async ({ db }, [id]) => showMerchant(await setMerchantStatus(db, readId("merchant", id), status));
}

const merchantActions: Record<string, Action> = {
  async create(services, _args, options) {
    const time_zone = textOption(options, "timeZone");
    const input = { name: requireText(options, "name"), ...(time_zone !== undefined && { time_zone }) };
    return showMerchant(await createMerchant({ ...services, sql: services.db }, input));
  },
  list: async ({ db }) => (await loadMerchants(db, null, LIST_MAX)).map(showMerchant),
  show: async ({ db }, [id]) => showMerchant(await getMerchant(db, readId("merchant", id))),
  suspend: changeMerchant("suspended"),
  activate: changeMerchant("active"),
  close: changeMerchant("closed"),
};

function changeApp(status: App["status"]): Action {
  return async ({ db }, [id], options) => {
    const merchant_id = readId("merchant", requireText(options, "merchant"));
    return showApp(await setAppStatus(db, { merchant_id, app_id: readId("app", id) }, status));
  };
}

const appActions: Record<string, Action> = {
  async create(services, _args, options) {
    const merchant_id = readId("merchant", requireText(options, "merchant"));
    const input = { merchant_id, name: requireText(options, "name") };
    const { app, webhook_secret } = await createApp({ ...services, sql: services.db }, input);
    return { ...showApp(app), webhook_secret: webhook_secret.reveal() };
  },
  async list({ db }, _args, options) {
    return (await loadApps(db, readId("merchant", requireText(options, "merchant")), LIST_MAX)).map(showApp);
  },
  disable: changeApp("disabled"),
  enable: changeApp("active"),
  async "rotate-secret"(services, [id], options) {
    const key = { merchant_id: readId("merchant", requireText(options, "merchant")), app_id: readId("app", id) };
    const overlap_ms = hoursOption(options, "overlap");
    const input = { ...key, ...(overlap_ms !== undefined && { overlap_ms }) };
    const secret = await rotateWebhookSecret({ ...services, sql: services.db }, input);
    return { id: publicId("app", key.app_id), webhook_secret: secret.reveal() };
  },
};

export function merchantCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "merchant <action> [id]",
    summary: "create, list, show, suspend, activate or close merchants",
    options: [
      { flags: "--name <name>", description: "create: the merchant's name" },
      { flags: "--time-zone <zone>", description: "create: IANA name (default: Asia/Shanghai)" },
    ],
    actions: merchantActions,
  });
}

export function appCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "app <action> [id]",
    summary: "create, list, disable or enable apps; rotate-secret for webhooks",
    options: [
      { flags: "--merchant <id>", description: "the merchant whose app it is" },
      { flags: "--name <name>", description: "create: the app's name" },
      { flags: "--overlap <hours>", description: "rotate-secret: how long the old secret signs too (default: 24)" },
    ],
    actions: appActions,
  });
}
