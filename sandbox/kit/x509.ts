/**
 * A writer of X.509 v3 certificates (RFC 5280), because Node can read them and not make them. It writes only what
 * the channels' certificates carry: a distinguished name of C, O, OU and CN, a serial number, a validity, a public
 * key and, for an authority, basicConstraints. Everything is DER: tag, length, content.
 */
import { type KeyObject, sign } from "node:crypto";

/** A distinguished name in the order in which it is encoded. */
export type DistinguishedName = readonly (readonly ["C" | "O" | "OU" | "CN", string])[];

/** What a certificate says. `serial_hex` is at most 40 hex digits and must not begin with 8–f or 00. */
export type CertificateRequest = {
  serial_hex: string;
  subject: DistinguishedName;
  issuer: DistinguishedName;
  public_key: KeyObject;
  signer: KeyObject;
  not_before_ms: number;
  not_after_ms: number;
  authority: boolean;
};

const attribute_oids = { C: "2.5.4.6", O: "2.5.4.10", OU: "2.5.4.11", CN: "2.5.4.3" } as const;
const sha256_with_rsa = "1.2.840.113549.1.1.11";
const sha256_with_ecdsa = "1.2.840.10045.4.3.2";
const basic_constraints = "2.5.29.19";

function encode(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  const length = Buffer.from(body.length.toString(16).padStart(body.length > 0xff ? 4 : 2, "0"), "hex");
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body]);
}

const sequence = (...items: Buffer[]) => encode(0x30, ...items);
const integer = (hex: string) => encode(0x02, Buffer.from(hex, "hex"));
const bitString = (bytes: Buffer) => encode(0x03, Buffer.from([0]), bytes);
const truth = encode(0x01, Buffer.from([0xff]));
const nothing = encode(0x05);

/** The first two arcs share a byte; each further arc is base 128, all but its last byte with the high bit set. */
function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return encode(0x06, Buffer.from(bytes));
}

/** C is a PrintableString by definition, the others are UTF8String. */
function name(dn: DistinguishedName): Buffer {
  const parts = dn.map(([key, value]) => {
    const text = encode(key === "C" ? 0x13 : 0x0c, Buffer.from(value, "utf8"));
    return encode(0x31, sequence(objectId(attribute_oids[key]), text));
  });
  return sequence(...parts);
}

/** UTCTime until 2049, GeneralizedTime from then on, as RFC 5280 §4.1.2.5 demands. */
function time(ms: number): Buffer {
  const digits = `${new Date(ms).toISOString().slice(0, 19).replace(/[-T:]/g, "")}Z`;
  return digits < "2050" ? encode(0x17, Buffer.from(digits.slice(2))) : encode(0x18, Buffer.from(digits));
}

function algorithm(signer: KeyObject): Buffer {
  if (signer.asymmetricKeyType === "rsa") return sequence(objectId(sha256_with_rsa), nothing);
  return sequence(objectId(sha256_with_ecdsa));
}

function extensions(authority: boolean): Buffer[] {
  if (!authority) return [];
  const value = encode(0x04, sequence(truth));
  return [encode(0xa3, sequence(sequence(objectId(basic_constraints), truth, value)))];
}

/** Writes and signs one certificate; answers PEM that `new X509Certificate(pem)` reads. */
export function issueCertificate(request: CertificateRequest): string {
  const body = sequence(
    encode(0xa0, integer("02")),
    integer(request.serial_hex),
    algorithm(request.signer),
    name(request.issuer),
    sequence(time(request.not_before_ms), time(request.not_after_ms)),
    name(request.subject),
    request.public_key.export({ type: "spki", format: "der" }),
    ...extensions(request.authority),
  );
  const der = sequence(body, algorithm(request.signer), bitString(sign("sha256", body, request.signer)));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** A positive 20-byte serial number of 40 hex digits that needs no padding, as WeChat's are. */
export function makeSerial(randomHex: (length: number) => string): string {
  return `5${randomHex(39)}`.toUpperCase();
}
