/** `tributary key …`: API keys of apps. A key is printed when it is made and never again. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import {
  type ApiKey,
  createApiKey,
  listApiKeys,
  restrictApiKey,
  revokeApiKey,
  rotateApiKey,
} from "../../modules/identity/index.ts";
import type { Command } from "../command.ts";
import { StartError } from "../start-error.ts";
import {
  type Action,
  actionCommand,
  hoursOption,
  type Options,
  readId,
  refuseLiveInDemo,
  requireText,
  textOption,
  type WithServices,
} from "./administration.ts";

const LIST_MAX = 1_000;
const wholeList = { limit: LIST_MAX, older_than: null, newer_than: null, order: "desc", fetch: LIST_MAX } as const;

function showKey(key: ApiKey) {
  const instant = (at: number | null) => (at === null ? null : toRfc3339(at));
  return {
    id: publicId("api_key", key.id),
    merchant: publicId("merchant", key.merchant_id),
    app: publicId("app", key.app_id),
    name: key.name,
    prefix: key.prefix,
    livemode: key.livemode,
    networks: key.allowed_networks,
    created_at: instant(key.created_at),
    expires_at: instant(key.expires_at),
    revoked_at: instant(key.revoked_at),
  };
}

/** Undefined where nothing was said. */
function networksOption(options: Options): string[] | undefined {
  const text = textOption(options, "networks");
  return text === "any" ? [] : text?.split(",");
}

const actions: Record<string, Action> = {
  async create(services, _args, options) {
    if (options.live === true) refuseLiveInDemo(services, "A live key");
    const input = {
      merchant_id: readId("merchant", requireText(options, "merchant")),
      app_id: readId("app", requireText(options, "app")),
      livemode: options.live === true,
      name: textOption(options, "name") ?? "",
      allowed_networks: networksOption(options) ?? [],
    };
    const { api_key, secret_key } = await createApiKey({ ...services, sql: services.db }, input);
    return { ...showKey(api_key), secret_key: secret_key.reveal() };
  },
  async list({ db }, _args, options) {
    const merchant_id = readId("merchant", requireText(options, "merchant"));
    const app = textOption(options, "app");
    const filter = {
      merchant_id,
      app_id: app === undefined ? undefined : readId("app", app),
      prefix: textOption(options, "prefix"),
    };
    return (await listApiKeys(db, filter, wholeList)).rows.map(showKey);
  },
  async revoke(services, [id], options) {
    const merchant_id = readId("merchant", requireText(options, "merchant"));
    return showKey(await revokeApiKey(services, { merchant_id, key_id: readId("api_key", id) }));
  },
  async restrict(services, [id], options) {
    const allowed_networks = networksOption(options);
    if (allowed_networks === undefined) throw new StartError("Say --networks …, or --networks any for anywhere.");
    const merchant_id = readId("merchant", requireText(options, "merchant"));
    return showKey(await restrictApiKey(services, { merchant_id, key_id: readId("api_key", id), allowed_networks }));
  },
  async rotate(services, [id], options) {
    const overlap_ms = hoursOption(options, "overlap");
    const { api_key, secret_key, replaced } = await rotateApiKey(services, {
      merchant_id: readId("merchant", requireText(options, "merchant")),
      key_id: readId("api_key", id),
      ...(overlap_ms !== undefined && { overlap_ms }),
    });
    return { ...showKey(api_key), secret_key: secret_key.reveal(), replaced: showKey(replaced) };
  },
};

export function keyCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "key <action> [id]",
    summary: "create, list, restrict, revoke or rotate API keys",
    options: [
      { flags: "--merchant <id>", description: "the merchant whose key it is" },
      { flags: "--app <id>", description: "create: the app that calls; list: only its keys" },
      { flags: "--live", description: "create: a key for live money instead of the sandbox" },
      { flags: "--name <name>", description: "create: a note for people" },
      { flags: "--prefix <text>", description: "list: only keys that begin so" },
      {
        flags: "--networks <list>",
        description: "create, restrict: where it may call from, such as 203.0.113.0/24,2001:db8::/32; any for anywhere",
      },
      { flags: "--overlap <hours>", description: "rotate: how long the old key works too (default: 24)" },
    ],
    actions,
  });
}
