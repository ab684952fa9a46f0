/** Registration of WeChat merchants, as a person does on the merchant portal, and rotation of the channel's keys. */
import { X509Certificate } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { generateRsa, readPrivateKey, readPublicKey } from "../kit/crypto.ts";
import { ControlError, choice, type Fields, optionalText } from "../kit/input.ts";
import { issueCertificate, makeSerial } from "../kit/x509.ts";
import { type PlatformKey, verify_modes, type WechatMember, type WechatMerchant } from "./state.ts";

/** The fields that `POST /control/merchants` takes for WeChat. */
export const wechat_merchant_fields = [
  "channel",
  "mchid",
  "appid",
  "mini_appid",
  "app_appid",
  "name",
  "merchant_public_key_pem",
  "merchant_certificate_pem",
  "merchant_serial_no",
  "verify_mode",
  "mode",
  "sub_mchid",
  "sub_appid",
  "sub_mini_appid",
  "sub_app_appid",
] as const;

const year_ms = 365 * 86_400_000;
const tenpay = [
  ["C", "CN"],
  ["O", "Tenpay.com"],
  ["OU", "Tenpay.com CA Center"],
  ["CN", "Tenpay.com Root CA (simulated)"],
] as const;

/** Writes a certificate as the channel's authority would; each one is signed by its own key, as nobody checks the chain. */
async function makeCertificate(sandbox: Sandbox, subject: string): Promise<PlatformKey> {
  const { private_pem, public_pem } = await generateRsa();
  const serial = makeSerial(sandbox.random.hex);
  const now_ms = sandbox.clock.now();
  const pem = issueCertificate({
    serial_hex: serial,
    issuer: tenpay,
    subject: [
      ["C", "CN"],
      ["O", "Tenpay.com"],
      ["CN", subject],
    ],
    public_key: readPublicKey(public_pem),
    signer: readPrivateKey(private_pem),
    not_before_ms: now_ms - 86_400_000,
    not_after_ms: now_ms + 5 * year_ms,
    authority: false,
  });
  return { id: serial, kind: "certificate", private_pem, pem, made_at_ms: now_ms };
}

async function makePublicKey(sandbox: Sandbox, mchid: string): Promise<PlatformKey> {
  const { private_pem, public_pem } = await generateRsa();
  const made_at_ms = sandbox.clock.now();
  const id = `PUB_KEY_ID_0${mchid}${new Date(made_at_ms).getUTCFullYear()}${sandbox.random.digits(16)}`;
  return { id, kind: "public_key", private_pem, pem: public_pem, made_at_ms };
}

/** Reads a kept merchant's keys, so that no request has to. */
export function admitMember(sandbox: Sandbox, merchant: WechatMerchant): WechatMember {
  const newest = (kind: PlatformKey["kind"]) => {
    const key = merchant.platform_keys.findLast((item) => item.kind === kind);
    return key && { id: key.id, key: readPrivateKey(key.private_pem) };
  };
  const certificate = newest("certificate");
  const public_key = newest("public_key");
  const member: WechatMember = {
    merchant,
    merchant_key: readPublicKey(merchant.merchant_public_key_pem),
    signers: { ...(certificate && { certificate }), ...(public_key && { public_key }) },
  };
  sandbox.wechat.members.set(merchant.mchid, member);
  return member;
}

/** The merchant's own key: from its certificate, from its public key, or made here. */
async function readMerchantKey(
  sandbox: Sandbox,
  fields: Fields,
): Promise<
  Pick<
    WechatMerchant,
    "merchant_public_key_pem" | "merchant_private_key_pem" | "merchant_certificate_pem" | "merchant_serial_no"
  >
> {
  const certificate_pem = optionalText(fields, "merchant_certificate_pem");
  const public_key_pem = optionalText(fields, "merchant_public_key_pem");
  const serial = optionalText(fields, "merchant_serial_no");
  try {
    if (certificate_pem !== undefined) {
      const certificate = new X509Certificate(certificate_pem);
      const pem = certificate.publicKey.export({ type: "spki", format: "pem" }).toString();
      return { merchant_public_key_pem: pem, merchant_serial_no: serial ?? certificate.serialNumber };
    }
    if (public_key_pem !== undefined) {
      const pem = readPublicKey(public_key_pem).export({ type: "spki", format: "pem" }).toString();
      return { merchant_public_key_pem: pem, merchant_serial_no: serial ?? makeSerial(sandbox.random.hex) };
    }
  } catch {
    throw new ControlError(400, "The merchant's certificate or public key is not valid PEM.");
  }
  const made = await makeCertificate(sandbox, "merchant (simulated)");
  return {
    merchant_public_key_pem: readPublicKey(made.pem).export({ type: "spki", format: "pem" }).toString(),
    merchant_private_key_pem: made.private_pem,
    merchant_certificate_pem: made.pem,
    merchant_serial_no: serial ?? made.id,
  };
}

/** The appid given, else the one known, else a new one. */
function readAppid(sandbox: Sandbox, fields: Fields, name: string, known?: string): string {
  const appid = optionalText(fields, name) ?? known ?? `wx${sandbox.random.hex(16)}`;
  if (!/^wx[0-9a-zA-Z]{6,30}$/.test(appid)) throw new ControlError(400, `"${name}" must begin with wx.`);
  return appid;
}

/**
 * Registers a merchant, or answers the one of that `mchid` again. Called again with another merchant key, appid or
 * verify_mode, it takes them over: a person may change them on the portal too.
 */
export async function registerWechatMerchant(sandbox: Sandbox, fields: Fields): Promise<Fields> {
  const mchid = optionalText(fields, "mchid") ?? `16${sandbox.random.digits(8)}`;
  if (!/^\d{8,10}$/.test(mchid)) throw new ControlError(400, '"mchid" must be 8 to 10 digits.');
  const known = sandbox.wechat.members.get(mchid)?.merchant;
  const appid = readAppid(sandbox, fields, "appid", known?.appids[0]);
  const merchant: WechatMerchant = known ?? {
    mchid,
    name: "Simulated merchant 模拟商户",
    appids: [],
    mini_appid: readAppid(sandbox, fields, "mini_appid"),
    app_appid: readAppid(sandbox, fields, "app_appid"),
    app_secret: sandbox.random.hex(32),
    mini_app_secret: sandbox.random.hex(32),
    api_v3_key: sandbox.random.token(32),
    api_v2_key: sandbox.random.token(32),
    verify_mode: "platform_certificate",
    platform_keys: [],
    ...(await readMerchantKey(sandbox, fields)),
  };
  if (known !== undefined && (fields.merchant_public_key_pem ?? fields.merchant_certificate_pem) !== undefined) {
    delete merchant.merchant_private_key_pem;
    delete merchant.merchant_certificate_pem;
    Object.assign(merchant, await readMerchantKey(sandbox, fields));
  }
  // A merchant kept by an earlier version may lack them.
  merchant.mini_appid = readAppid(sandbox, fields, "mini_appid", merchant.mini_appid);
  merchant.api_v2_key ??= sandbox.random.token(32);
  merchant.mini_app_secret ??= sandbox.random.hex(32);
  merchant.app_appid = readAppid(sandbox, fields, "app_appid", merchant.app_appid);
  merchant.name = optionalText(fields, "name") ?? merchant.name;
  merchant.verify_mode = choice(fields, "verify_mode", verify_modes, merchant.verify_mode);
  if (!merchant.appids.includes(appid)) merchant.appids.unshift(appid);
  if (choice(fields, "mode", ["direct", "partner"], "direct") === "partner")
    admitSubMerchant(sandbox, merchant, fields);
  await addMissingKeys(sandbox, merchant);
  return describeWechatMerchant(sandbox, admitMember(sandbox, merchant));
}

/** Makes the merchant a service provider of one more sub-merchant; the one that was named last is answered. */
function admitSubMerchant(sandbox: Sandbox, merchant: WechatMerchant, fields: Fields): void {
  const known = merchant.sub_merchants ?? [];
  const sub_mchid = optionalText(fields, "sub_mchid") ?? known.at(-1)?.sub_mchid ?? `17${sandbox.random.digits(8)}`;
  if (!/^\d{8,10}$/.test(sub_mchid)) throw new ControlError(400, '"sub_mchid" must be 8 to 10 digits.');
  const earlier = known.find((item) => item.sub_mchid === sub_mchid);
  const sub = {
    sub_mchid,
    sub_appid: readAppid(sandbox, fields, "sub_appid", earlier?.sub_appid),
    sub_mini_appid: readAppid(sandbox, fields, "sub_mini_appid", earlier?.sub_mini_appid),
    sub_app_appid: readAppid(sandbox, fields, "sub_app_appid", earlier?.sub_app_appid),
  };
  merchant.sub_merchants = [...known.filter((item) => item !== earlier), sub];
}

async function addMissingKeys(sandbox: Sandbox, merchant: WechatMerchant): Promise<void> {
  const { verify_mode, platform_keys, mchid } = merchant;
  const has = (kind: PlatformKey["kind"]) => platform_keys.some((key) => key.kind === kind);
  const made = await Promise.all([
    verify_mode !== "public_key" && !has("certificate") ? makeCertificate(sandbox, "Tenpay.com sign") : undefined,
    verify_mode !== "platform_certificate" && !has("public_key") ? makePublicKey(sandbox, mchid) : undefined,
  ]);
  for (const key of made) if (key !== undefined) platform_keys.push(key);
  if (verify_mode === "public_key") merchant.platform_keys = platform_keys.filter((key) => key.kind === "public_key");
  if (verify_mode === "platform_certificate") {
    merchant.platform_keys = platform_keys.filter((key) => key.kind === "certificate");
  }
}

/** Everything that the merchant's side of a channel account needs. */
export function describeWechatMerchant(sandbox: Sandbox, member: WechatMember): Fields {
  const { merchant } = member;
  const certificate = merchant.platform_keys.findLast((key) => key.kind === "certificate");
  const public_key = merchant.platform_keys.findLast((key) => key.kind === "public_key");
  return {
    channel: "wechat",
    mchid: merchant.mchid,
    appid: merchant.appids[0],
    mini_appid: merchant.mini_appid,
    app_appid: merchant.app_appid,
    name: merchant.name,
    ...merchant.sub_merchants?.at(-1),
    app_secret: merchant.app_secret,
    mini_app_secret: merchant.mini_app_secret,
    api_v3_key: merchant.api_v3_key,
    api_v2_key: merchant.api_v2_key,
    merchant_serial_no: merchant.merchant_serial_no,
    merchant_private_key_pem: merchant.merchant_private_key_pem,
    merchant_certificate_pem: merchant.merchant_certificate_pem,
    verify_mode: merchant.verify_mode,
    platform_serial_no: certificate?.id,
    platform_certificate_pem: certificate?.pem,
    public_key_id: public_key?.id,
    public_key_pem: public_key?.pem,
    base_url: sandbox.public_url,
  };
}

/**
 * Makes a new platform certificate (or public key, for a merchant that only has that), which signs from now on. The
 * old certificate stays in `GET /v3/certificates`; requests and notices already sent keep their old signatures.
 */
export async function rotateWechatKeys(sandbox: Sandbox, mchid: string): Promise<Fields> {
  const member = sandbox.wechat.members.get(mchid);
  if (member === undefined) throw new ControlError(404, `No WeChat merchant ${mchid}.`);
  const { merchant } = member;
  const next =
    merchant.verify_mode === "public_key"
      ? await makePublicKey(sandbox, mchid)
      : await makeCertificate(sandbox, "Tenpay.com sign");
  merchant.platform_keys.push(next);
  return describeWechatMerchant(sandbox, admitMember(sandbox, merchant));
}
