/**
 * A merchant's client of PayPal: PayPal's own SDK, pointed at the sandbox by an adapter of its HTTP library, and a second
 * opinion on webhook signatures, written from PayPal's description of them alone.
 */
import { createVerify, X509Certificate } from "node:crypto";
import { crc32 } from "node:zlib";
import {
  Client,
  Environment,
  OAuthAuthorizationController,
  OrdersController,
  PaymentsController,
  TransactionSearchController,
} from "@paypal/paypal-server-sdk";
import type { Json, Received, TestSandbox } from "./bench.ts";

/** What the SDK asks its HTTP library for. */
type Asked = { method?: string; url?: string; headers?: { toJSON(): Record<string, string> }; data?: string };

/** One exchange as it went over the wire. */
export type Exchange = { method: string; path: string; status: number; body: Json };

export type PaypalMerchantUnderTest = Json & {
  orders: OrdersController;
  payments: PaymentsController;
  search: TransactionSearchController;
  oauth: OAuthAuthorizationController;
  /** Everything that the SDK has exchanged, the newest last. */
  exchanges: Exchange[];
  /** The JSON of a plain request with the app's own token, or with another. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Exchange>;
};

/** Registers an app and builds its clients. */
export async function makePaypalMerchant(sandbox: TestSandbox, fields: object = {}): Promise<PaypalMerchantUnderTest> {
  const merchant = await sandbox.control("/merchants", { channel: "paypal", ...fields });
  const exchanges: Exchange[] = [];
  const adapter = async (asked: Asked) => {
    const { pathname, search } = new URL(asked.url ?? "");
    const headers = asked.headers?.toJSON() ?? {};
    const method = (asked.method ?? "get").toUpperCase();
    const response = await fetch(`${merchant.base_url}${pathname}${search}`, {
      method,
      headers,
      ...(asked.data === undefined ? {} : { body: asked.data }),
    });
    const data = await response.text();
    exchanges.push({ method, path: pathname, status: response.status, body: parse(data) });
    return {
      status: response.status,
      statusText: "",
      headers: Object.fromEntries(response.headers),
      data,
      config: asked,
    };
  };
  const client = new Client({
    environment: Environment.Sandbox,
    timeout: 0,
    clientCredentialsAuthCredentials: {
      oAuthClientId: merchant.client_id,
      oAuthClientSecret: merchant.client_secret,
    },
    unstable_httpClientOptions: { adapter },
  });
  return {
    ...merchant,
    exchanges,
    orders: new OrdersController(client),
    payments: new PaymentsController(client),
    search: new TransactionSearchController(client),
    oauth: new OAuthAuthorizationController(client),
    async call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
      const response = await fetch(`${merchant.base_url}${path}`, {
        method,
        headers: { "content-type": "application/json", ...headers },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      return { method, path, status: response.status, body: parse(await response.text()) };
    },
  };
}

function parse(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The event of a webhook; throws unless it is signed by a certificate that chains to the merchant's root. */
export async function verifyWebhook(merchant: Json, { headers, body }: Received): Promise<Json> {
  const header = (name: string) => String(headers[`paypal-${name}`] ?? "");
  const served = await (await fetch(header("cert-url"))).text();
  const [leaf, middle] = served
    .split(/(?<=-----END CERTIFICATE-----)\s*/)
    .filter((pem) => pem !== "")
    .map((pem) => new X509Certificate(pem));
  const root = new X509Certificate(merchant.root_certificate_pem);
  if (!leaf || !middle || !leaf.verify(middle.publicKey) || !middle.verify(root.publicKey))
    throw new Error("broken chain");
  if (!leaf.subject.includes("CN=messageverificationcerts.paypal.com")) throw new Error("another name");
  const signed = [header("transmission-id"), header("transmission-time"), merchant.webhook_id, crc32(body)].join("|");
  const verifier = createVerify("RSA-SHA256").update(signed);
  if (!verifier.verify(leaf.publicKey, header("transmission-sig"), "base64")) throw new Error("bad signature");
  return JSON.parse(body);
}
