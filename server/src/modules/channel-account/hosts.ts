/**
 * Live money never meets a test system, and test money never a live one. Which hosts are live is written here, apart from
 * the channels' code, so that a slip there cannot undo the rule.
 */

/** For each address in a channel's config, the channel's official hosts; the first is used when the field is left out. */
const officialHosts: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  wechat: {
    base_url: ["api.mch.weixin.qq.com", "api2.mch.weixin.qq.com"],
    oauth_authorize_base_url: ["open.weixin.qq.com"],
    oauth_api_base_url: ["api.weixin.qq.com", "api2.weixin.qq.com"],
  },
  alipay: {
    gateway: ["openapi.alipay.com"],
    oauth_base_url: ["openauth.alipay.com"],
  },
  unionpay: { base_url: ["gateway.95516.com"] },
  paypal: { base_url: ["api-m.paypal.com", "api.paypal.com"] },
};

/** Channels that serve both modes at one address, where the key alone decides; the channel checks that it fits the account. */
const sharedHosts: typeof officialHosts = { stripe: { base_url: ["api.stripe.com"] } };

const allOfficialHosts = new Set(Object.values(officialHosts).flatMap((fields) => Object.values(fields).flat()));

/**
 * @param live_hosts_allowed further hosts that live accounts may call, such as a company's forward proxy.
 * @returns sentences about the addresses that break the rule
 */
export function checkHosts(
  channel: string,
  config: Readonly<Record<string, unknown>>,
  livemode: boolean,
  live_hosts_allowed: readonly string[] = [],
): string[] {
  const official = officialHosts[channel] ?? {};
  const addresses = findAddresses(config);
  if (!livemode) {
    const missing = Object.keys(official).filter((field) => config[field] === undefined);
    return [
      ...missing.map(
        (field) => `${field} is missing: left out it means the live channel, which a test account may not call`,
      ),
      ...addresses
        .filter(({ url }) => isLive(url))
        .map(({ field }) => `${field} is the live channel, which a test account may not call`),
    ];
  }
  return addresses.flatMap(({ field, url }) => {
    if (url.protocol !== "https:") return [`${field} of a live account must begin with https://`];
    const own = official[field] ?? sharedHosts[channel]?.[field] ?? [];
    const allowed = [...own, ...live_hosts_allowed];
    return allowed.includes(url.host) ? [] : [`${field} of a live account must be at ${allowed.join(" or ")}`];
  });
}

/** A trailing dot or another port reaches the same machine. */
function isLive(url: URL): boolean {
  return allOfficialHosts.has(url.hostname.replace(/\.$/, ""));
}

/** Every address in the first level of a config; channels keep them nowhere else. */
function findAddresses(config: Readonly<Record<string, unknown>>): { field: string; url: URL }[] {
  return Object.entries(config).flatMap(([field, value]) => {
    if (typeof value !== "string" || !/^\s*https?:/i.test(value)) return [];
    const url = URL.parse(value);
    return url ? [{ field, url }] : [];
  });
}
