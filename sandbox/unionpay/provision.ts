/** Registration of UnionPay merchants, as a person does on the merchant service site, and rotation of UnionPay's keys. */
import { X509Certificate } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { generateRsa, readPrivateKey } from "../kit/crypto.ts";
import { ControlError, type Fields, optionalText } from "../kit/input.ts";
import { ensureRoot, issueMerchant, issueMiddle, issueSigning, signer_name } from "./authority.ts";
import type { UnionpayMember, UnionpayMerchant } from "./state.ts";

/** The fields that `POST /control/merchants` takes for UnionPay. */
export const unionpay_merchant_fields = ["channel", "mer_id", "name"] as const;

/** Reads a kept merchant's keys, so that no request has to. */
export function admitMember(sandbox: Sandbox, merchant: UnionpayMerchant): UnionpayMember {
  const certificate = new X509Certificate(merchant.certificate_pem);
  const member = {
    merchant,
    merchant_key: certificate.publicKey,
    valid_until_ms: Date.parse(certificate.validTo),
    signing_key: readPrivateKey(merchant.signing.private_pem),
  };
  sandbox.unionpay.members.set(merchant.mer_id, member);
  return member;
}

/** Registers a merchant, or answers the one of that `mer_id` again, under the name that was given. */
export async function registerUnionpayMerchant(sandbox: Sandbox, fields: Fields): Promise<Fields> {
  const mer_id = optionalText(fields, "mer_id") ?? `7772${sandbox.random.digits(11)}`;
  if (!/^\d{15}$/.test(mer_id)) throw new ControlError(400, '"mer_id" must be 15 digits.');
  const known = sandbox.unionpay.members.get(mer_id)?.merchant;
  const merchant = known ?? (await foundMerchant(sandbox, mer_id));
  merchant.name = optionalText(fields, "name") ?? merchant.name;
  return describeUnionpayMerchant(sandbox, admitMember(sandbox, merchant));
}

async function foundMerchant(sandbox: Sandbox, mer_id: string): Promise<UnionpayMerchant> {
  const [pair, middle] = await Promise.all([generateRsa(), issueMiddle(sandbox)]);
  const signing = await issueSigning(sandbox, middle);
  const { pem, cert_id } = issueMerchant(sandbox, middle, mer_id, pair);
  return {
    mer_id,
    name: "Simulated merchant 模拟商户",
    cert_id,
    certificate_pem: pem,
    private_key_pem: pair.private_pem,
    middle,
    signing,
  };
}

/** Everything that the merchant's side of a channel account needs. */
export async function describeUnionpayMerchant(sandbox: Sandbox, { merchant }: UnionpayMember): Promise<Fields> {
  const root = await ensureRoot(sandbox);
  return {
    channel: "unionpay",
    mer_id: merchant.mer_id,
    name: merchant.name,
    cert_id: merchant.cert_id,
    merchant_private_key_pem: merchant.private_key_pem,
    merchant_certificate_pem: merchant.certificate_pem,
    root_certificate_pem: root.pem,
    middle_certificate_pem: merchant.middle.pem,
    signer_name,
    base_url: sandbox.public_url,
  };
}

/** Gives UnionPay a new middle certificate and a new signing certificate under it, which signs from now on. */
export async function rotateUnionpayKeys(sandbox: Sandbox, mer_id: string): Promise<Fields> {
  const member = sandbox.unionpay.members.get(mer_id);
  if (member === undefined) throw new ControlError(404, `No UnionPay merchant ${mer_id}.`);
  const { merchant } = member;
  merchant.middle = await issueMiddle(sandbox);
  merchant.signing = await issueSigning(sandbox, merchant.middle);
  return describeUnionpayMerchant(sandbox, admitMember(sandbox, merchant));
}
