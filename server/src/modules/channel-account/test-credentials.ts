/**
 * Credentials that say of themselves that they are for testing, or for real money. Written here, apart from the channels'
 * code, as the official hosts are.
 */

/** Stripe's keys: https://docs.stripe.com/keys . */
const TEST_KEY = /^(sk|rk|pk)_test_/;
const LIVE_KEY = /^(sk|rk|pk)_live_/;

/** Numbers that a channel gives out for its test system: by channel, the field and how they begin. */
const testNumbers: Readonly<Record<string, readonly { field: string; pattern: RegExp }[]>> = {
  // https://open.unionpay.com : the merchants of the test environment.
  unionpay: [{ field: "mer_id", pattern: /^777290/ }],
};

/** Sentences about credentials of the other book. They never quote a secret. */
export function checkCredentialsMode(
  channel: string,
  livemode: boolean,
  config: Readonly<Record<string, unknown>>,
  secrets: Readonly<Record<string, { reveal(): string }>>,
): string[] {
  const texts = [
    ...Object.entries(config).map(([name, value]): [string, unknown] => [name, value]),
    ...Object.entries(secrets).map(([name, secret]): [string, unknown] => [name, secret.reveal()]),
  ];
  const wrong = livemode ? TEST_KEY : LIVE_KEY;
  const keys = texts
    .filter(([, value]) => typeof value === "string" && wrong.test(value.trim()))
    .map(([name]) =>
      livemode
        ? `${name} is a test key, which a live account may not have`
        : `${name} is a live key, which a test account may not have`,
    );
  const numbers = (livemode ? (testNumbers[channel] ?? []) : [])
    .filter(({ field, pattern }) => pattern.test(String(config[field])))
    .map(({ field }) => `${field} is a number of the channel's test system, which a live account may not have`);
  return [...keys, ...numbers];
}

/** Config lies open and is shown: a private key in it is in the wrong place, whatever field that is. */
export function checkNothingPrivate(config: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(config)
    .filter(([, value]) => JSON.stringify(value)?.includes("PRIVATE KEY-----"))
    .map(([name]) => `${name} holds a private key: private keys belong into the secrets`);
}
