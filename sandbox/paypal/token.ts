/** OAuth 2 of PayPal's REST API: client credentials for a bearer token that lives nine hours. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Sandbox } from "../context.ts";
import { refuseByFault, sendAnswer } from "./answer.ts";
import type { PaypalMerchant } from "./state.ts";

const token_life_s = 32_400;

function readBasic(request: FastifyRequest): [string, string] | undefined {
  const match = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(request.headers.authorization ?? "");
  const text = match === null ? "" : Buffer.from(match[1]!, "base64").toString("utf8");
  const cut = text.indexOf(":");
  return cut < 0 ? undefined : [text.slice(0, cut), text.slice(cut + 1)];
}

function refuseToken(reply: FastifyReply, status: number, error: string, error_description: string): void {
  reply.code(status).type("application/json").send(JSON.stringify({ error, error_description }));
}

/** POST /v1/oauth2/token. The token that an app has is given again for as long as it is good. */
export async function serveToken(sandbox: Sandbox, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const [client_id, secret] = readBasic(request) ?? ["", ""];
  const merchant = sandbox.paypal.members.get(client_id);
  if (merchant === undefined || merchant.client_secret !== secret) {
    return refuseToken(reply, 401, "invalid_client", "Client Authentication failed");
  }
  const form = new URLSearchParams(Buffer.isBuffer(request.body) ? request.body.toString("utf8") : "");
  if (form.get("grant_type") !== "client_credentials") {
    return refuseToken(reply, 400, "unsupported_grant_type", "Grant Type is NULL");
  }
  const fault = sandbox.faults.take("paypal", "oauth", client_id);
  if (fault !== undefined && (await refuseByFault(sandbox, fault, reply))) return;
  await sendAnswer(sandbox, fault, { status: 200, body: grant(sandbox, client_id) }, reply);
}

function grant(sandbox: Sandbox, client_id: string) {
  const now_ms = sandbox.clock.now();
  const held = [...sandbox.paypal.tokens.values()].find(
    (token) => token.client_id === client_id && token.expires_at_ms > now_ms,
  );
  const token = held ?? {
    token: `A21AA${sandbox.random.token(92)}`,
    client_id,
    expires_at_ms: now_ms + token_life_s * 1000,
  };
  sandbox.paypal.tokens.set(token.token, token);
  return {
    scope: "https://uri.paypal.com/services/payments/payment https://uri.paypal.com/services/disputes/read-seller",
    access_token: token.token,
    token_type: "Bearer",
    app_id: "APP-80W284485P519543T",
    expires_in: Math.floor((token.expires_at_ms - now_ms) / 1000),
    nonce: `${new Date(now_ms).toISOString().slice(0, 19)}Z${sandbox.random.token(43)}`,
  };
}

/** Whose bearer token a request carries; undefined for none, an unknown one and one that is out of date. */
export function findBearer(sandbox: Sandbox, request: FastifyRequest): PaypalMerchant | undefined {
  const match = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "");
  const token = match === null ? undefined : sandbox.paypal.tokens.get(match[1]!);
  if (token === undefined || token.expires_at_ms <= sandbox.clock.now()) return undefined;
  return sandbox.paypal.members.get(token.client_id);
}
