/** What every part of the sandbox is given: clock, chance, faults, post office and the channels' states. */
import type { AlipayState } from "./alipay/state.ts";
import type { AuthCodeBook } from "./kit/auth-codes.ts";
import type { BillBook } from "./kit/bills.ts";
import type { SandboxClock } from "./kit/clock.ts";
import type { Deliveries } from "./kit/deliveries.ts";
import type { FaultBook } from "./kit/faults.ts";
import type { Random } from "./kit/random.ts";
import type { PaypalState } from "./paypal/state.ts";
import type { StripeState } from "./stripe/state.ts";
import type { UnionpayState } from "./unionpay/state.ts";
import type { WechatState } from "./wechat/state.ts";

export type Sandbox = {
  clock: SandboxClock;
  random: Random;
  faults: FaultBook;
  auth_codes: AuthCodeBook;
  bills: BillBook;
  deliveries: Deliveries;
  wechat: WechatState;
  alipay: AlipayState;
  unionpay: UnionpayState;
  stripe: StripeState;
  paypal: PaypalState;
  /** Says that keys or trades have changed and the snapshot should follow. */
  changed: () => void;
  /** Writes the snapshot now; resolves when it is on disk. */
  saveNow: () => Promise<void>;
  /** The address that payers' browsers reach; no slash at the end. */
  public_url: string;
  /** Aborted when the sandbox closes: ends whatever hangs on purpose. */
  closing: AbortController;
};
