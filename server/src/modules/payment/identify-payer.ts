import type { Channel, CodeExchange, Method } from "../../channels/contract.ts";
import { invariant } from "../../kit/error.ts";
import { paymentErrors } from "./errors.ts";
import { openChannel } from "./open-channel.ts";
import type { PaymentServices } from "./services.ts";

export interface IdentityRequest {
  readonly method: Method;
  /** What the channel gave the payer's side: the login code of a mini program, or the code of a web authorization. */
  readonly code: string;
}

/** The payer, under the field that a payment's `payer` takes. */
export type Identity = { readonly openid?: string; readonly buyer_id?: string; readonly user_id?: string };

/**
 * Exchanges a code for the payer's identity towards the first account that collects by this method. A code is good once: when
 * the answer is lost, only a new code helps.
 * Throws payment.method_unavailable, payment.code_refused, payment.identity_unavailable.
 */
export async function identifyPayer(
  services: PaymentServices,
  owner: { merchant_id: string; livemode: boolean },
  { method, code }: IdentityRequest,
): Promise<Identity> {
  const accounts = await services.accounts.listForMerchant(owner);
  const choice = accounts.find(({ methods }) => methods.includes(method));
  if (!choice)
    throw paymentErrors["payment.method_unavailable"]({ param: "method", values: { method, currency: "CNY" } });
  const { channel, account } = await openChannel(services, { channel: choice.channel, channel_account_id: choice.id });
  const identity = exchangeOf(channel, method);
  invariant(identity, `${channel.id} takes no code for ${method}`);
  const outcome = await services.channels.run(`${channel.id}.identify`, account, identity.exchange, { code });
  if (outcome.kind === "identified") return { [identity.field]: outcome.payer };
  if (outcome.kind === "failed" && !outcome.failure.elsewhere) {
    throw paymentErrors["payment.code_refused"]({ param: "code", values: { reason: outcome.failure.message } });
  }
  const reason = outcome.kind === "failed" ? outcome.failure.message : outcome.reason;
  throw paymentErrors["payment.identity_unavailable"]({ values: { reason } });
}

function exchangeOf(channel: Channel, method: Method): CodeExchange | undefined {
  if (method.endsWith(".mini")) return channel.miniIdentity;
  return method.endsWith(".jsapi") ? channel.identity : undefined;
}
