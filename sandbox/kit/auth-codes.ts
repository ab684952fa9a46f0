/**
 * The codes that payers show at a counter (付款码). A test or a wallet draws one and says how its payer behaves; the
 * channel that scans it obeys. A code pays one order, within a minute.
 */
import type { SandboxClock } from "./clock.ts";
import type { Random } from "./random.ts";

/** How the payer behind a code behaves. */
export const behaviours = [
  "success", // Pays at once.
  "confirm", // Must confirm first: waits for POST /control/pay, the wallet page, or a reversal.
  "expired", // The code has expired.
  "invalid", // The channel does not know the code.
  "not_enough", // The payer's money does not suffice.
  "system_error", // The channel answers that it does not know, and has taken the money.
  "bank_error", // The bank does not answer the channel: it waits as `confirm` does.
] as const;
export type Behaviour = (typeof behaviours)[number];

/** How a channel's codes begin, and how many digits follow. */
const forms = {
  wechat: { prefix: "13", digits: 16 },
  alipay: { prefix: "28", digits: 16 },
  unionpay: { prefix: "62", digits: 17 },
} as const;
export type CodeChannel = keyof typeof forms;
export const code_channels = Object.keys(forms) as CodeChannel[];

export type AuthCode = {
  code: string;
  channel: CodeChannel;
  behaviour: Behaviour;
  payer: string;
  made_at_ms: number;
  /** The order that was paid with it. */
  used_by?: string;
};

export type AuthCodeBook = {
  issue(channel: CodeChannel, behaviour: Behaviour, payer: string): AuthCode;
  /** Uses a code for `order`; a code for the same order again is the same use. */
  use(channel: CodeChannel, code: string, order: string): AuthCode | "unknown" | "expired" | "used";
  clear(): void;
};

const life_ms = 60_000;
const codes_max = 10_000;

export function createAuthCodeBook(clock: SandboxClock, random: Random): AuthCodeBook {
  const codes = new Map<string, AuthCode>();
  return {
    issue(channel, behaviour, payer) {
      const { prefix, digits } = forms[channel];
      const made: AuthCode = {
        code: prefix + random.digits(digits),
        channel,
        behaviour,
        payer,
        made_at_ms: clock.now(),
      };
      codes.set(made.code, made);
      const [oldest] = codes.keys();
      if (codes.size > codes_max && oldest !== undefined) codes.delete(oldest);
      return made;
    },
    use(channel, code, order) {
      const found = codes.get(code);
      if (found === undefined || found.channel !== channel || found.behaviour === "invalid") return "unknown";
      if (found.used_by !== undefined) return found.used_by === order ? found : "used";
      if (found.behaviour === "expired" || clock.now() - found.made_at_ms > life_ms) return "expired";
      found.used_by = order;
      return found;
    },
    clear: () => codes.clear(),
  };
}
