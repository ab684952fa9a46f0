/** Registration of Alipay applications, as a person does on the open platform, and rotation of Alipay's keys. */
import { X509Certificate } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { generateRsa, readPrivateKey, readPublicKey } from "../kit/crypto.ts";
import { ControlError, choice, type Fields, flag, optionalText } from "../kit/input.ts";
import { ensureAuthority, issueLeaf } from "./authority.ts";
import { grantApp, revokeGrants } from "./authorization.ts";
import { type AlipayMember, type AlipayMerchant, alipay_modes, alipay_payer_ids } from "./state.ts";

/** The fields that `POST /control/merchants` takes for Alipay. */
export const alipay_merchant_fields = [
  "channel",
  "app_id",
  "seller_id",
  "name",
  "mode",
  "app_public_key_pem",
  "third_party",
  "app_gateway",
  "payer_id",
  "eager_notices",
  "authorizes",
  "revokes",
] as const;

/** Reads a kept application's keys, so that no request has to. */
export function admitMember(sandbox: Sandbox, merchant: AlipayMerchant): AlipayMember {
  const member = {
    merchant,
    app_key: readPublicKey(merchant.app_public_key_pem),
    alipay_key: readPrivateKey(merchant.alipay_private_pem),
    ...(merchant.app_certificate && {
      app_certificate_ends_ms: Date.parse(new X509Certificate(merchant.app_certificate.pem).validTo),
    }),
  };
  sandbox.alipay.members.set(merchant.app_id, member);
  return member;
}

/** The application's key: given, or made here. */
async function readAppKey(fields: Fields): Promise<Pick<AlipayMerchant, "app_public_key_pem" | "app_private_key_pem">> {
  const given = optionalText(fields, "app_public_key_pem");
  if (given === undefined) {
    const pair = await generateRsa();
    return { app_public_key_pem: pair.public_pem, app_private_key_pem: pair.private_pem };
  }
  try {
    return { app_public_key_pem: readPublicKey(given).export({ type: "spki", format: "pem" }).toString() };
  } catch {
    throw new ControlError(400, '"app_public_key_pem" is not a valid public key.');
  }
}

/** In certificate mode, whichever of the two leaves is missing is issued. */
async function addCertificates(sandbox: Sandbox, merchant: AlipayMerchant): Promise<void> {
  if (merchant.mode === "key") {
    delete merchant.app_certificate;
    delete merchant.alipay_certificate;
    return;
  }
  merchant.app_certificate ??= await issueLeaf(
    sandbox,
    `${merchant.name} ${merchant.app_id}`,
    merchant.app_public_key_pem,
  );
  merchant.alipay_certificate ??= await issueLeaf(sandbox, "Alipay (simulated)", merchant.alipay_public_pem);
}

/** Registers an application, or answers the one of that `app_id` again, with the changes asked for. */
export async function registerAlipayMerchant(sandbox: Sandbox, fields: Fields): Promise<Fields> {
  const app_id = optionalText(fields, "app_id") ?? `2021${sandbox.random.digits(12)}`;
  if (!/^\d{16}$/.test(app_id)) throw new ControlError(400, '"app_id" must be 16 digits.');
  const seller_id = optionalText(fields, "seller_id") ?? `2088${sandbox.random.digits(12)}`;
  if (!/^2088\d{12}$/.test(seller_id)) throw new ControlError(400, '"seller_id" must be 2088 and 12 more digits.');
  const known = sandbox.alipay.members.get(app_id)?.merchant;
  const merchant = known ?? (await foundMerchant(app_id, seller_id, fields));
  if (known !== undefined && fields.app_public_key_pem !== undefined) {
    delete merchant.app_private_key_pem;
    delete merchant.app_certificate;
    Object.assign(merchant, await readAppKey(fields));
  }
  merchant.name = optionalText(fields, "name") ?? merchant.name;
  merchant.mode = choice(fields, "mode", alipay_modes, merchant.mode);
  merchant.third_party = flag(fields, "third_party", merchant.third_party ?? false);
  merchant.payer_id = choice(fields, "payer_id", alipay_payer_ids, merchant.payer_id ?? "user_id");
  merchant.eager_notices = flag(fields, "eager_notices", merchant.eager_notices ?? false);
  const app_gateway = optionalText(fields, "app_gateway");
  if (app_gateway !== undefined) merchant.app_gateway = app_gateway;
  await addCertificates(sandbox, merchant);
  const described = await describeAlipayMerchant(sandbox, admitMember(sandbox, merchant));
  return { ...described, ...authorize(sandbox, merchant, fields) };
}

/** What the merchant does at the page of a third-party application, or at its own console to take it back. */
function authorize(sandbox: Sandbox, { app_id }: AlipayMerchant, fields: Fields): Fields {
  const revoked = optionalText(fields, "revokes");
  if (revoked !== undefined) revokeGrants(sandbox, revoked, app_id);
  const provider = optionalText(fields, "authorizes");
  if (provider === undefined) return {};
  const { token, refresh_token } = grantApp(sandbox, provider, app_id);
  return { app_auth_token: token, app_refresh_token: refresh_token };
}

async function foundMerchant(app_id: string, seller_id: string, fields: Fields): Promise<AlipayMerchant> {
  const [app, own] = await Promise.all([readAppKey(fields), generateRsa()]);
  return {
    app_id,
    seller_id,
    name: "Simulated merchant 模拟商户",
    mode: "key",
    ...app,
    alipay_private_pem: own.private_pem,
    alipay_public_pem: own.public_pem,
    old_certificates: [],
  };
}

/** Everything that the merchant's side of a channel account needs. Alipay's certificate comes with its issuer's. */
export async function describeAlipayMerchant(sandbox: Sandbox, member: AlipayMember): Promise<Fields> {
  const { merchant } = member;
  const authority = merchant.mode === "certificate" ? await ensureAuthority(sandbox) : undefined;
  return {
    channel: "alipay",
    app_id: merchant.app_id,
    seller_id: merchant.seller_id,
    name: merchant.name,
    mode: merchant.mode,
    third_party: merchant.third_party ?? false,
    app_private_key_pem: merchant.app_private_key_pem,
    app_public_key_pem: merchant.app_public_key_pem,
    alipay_public_key_pem: merchant.alipay_public_pem,
    app_cert_pem: merchant.app_certificate?.pem,
    app_cert_sn: merchant.app_certificate?.sn,
    alipay_cert_pem:
      authority && merchant.alipay_certificate && `${merchant.alipay_certificate.pem}${authority.issuer_pem}`,
    alipay_cert_sn: merchant.alipay_certificate?.sn,
    alipay_root_cert_pem: authority?.root_pem,
    alipay_root_cert_sn: authority?.root_sn,
    gateway: `${sandbox.public_url}/gateway.do`,
    oauth_url: `${sandbox.public_url}/oauth2/publicAppAuthorize.htm`,
  };
}

/** Gives Alipay a new pair (and certificate) for this application, which signs from now on. */
export async function rotateAlipayKeys(sandbox: Sandbox, app_id: string): Promise<Fields> {
  const member = sandbox.alipay.members.get(app_id);
  if (member === undefined) throw new ControlError(404, `No Alipay application ${app_id}.`);
  const { merchant } = member;
  const pair = await generateRsa();
  if (merchant.alipay_certificate !== undefined) merchant.old_certificates.push(merchant.alipay_certificate);
  delete merchant.alipay_certificate;
  merchant.alipay_private_pem = pair.private_pem;
  merchant.alipay_public_pem = pair.public_pem;
  await addCertificates(sandbox, merchant);
  return describeAlipayMerchant(sandbox, admitMember(sandbox, merchant));
}
