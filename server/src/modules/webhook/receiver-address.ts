/**
 * Where a webhook may go. Addresses come from merchants, so without these checks anyone with a key could make the
 * platform call its own network (server-side request forgery). A URL is checked when it is given; the addresses that
 * its name resolves to are checked when a connection is made, by the lookup that the connection itself uses, so a name
 * that changes its address between the check and the call gains nothing.
 */
import { lookup as dnsLookup } from "node:dns/promises";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** Resolves a name to all of its addresses; throws as `dns.promises.lookup` does. */
export type Lookup = (hostname: string) => Promise<ResolvedAddress[]>;

/** One address of a name, in the form of Node's resolver. */
export interface ResolvedAddress {
  address: string;
  family: number;
}

/** Which addresses may be called, and how names become addresses. */
export interface ReceiverPolicy {
  /** Lets loopback and private networks be called: for development, and for receivers inside the operator's network. */
  allow_private_addresses: boolean;
  /** The operating system's resolver unless given. */
  lookup?: Lookup;
}

/** Why an address may not be called. The message is public. */
export class ReceiverRefusedError extends Error {
  override readonly name = "ReceiverRefusedError";
}

/** The operating system's resolver, its hosts file included. */
export const systemLookup: Lookup = (hostname) => dnsLookup(hostname, { all: true, verbatim: true });

const URL_LENGTH_MAX = 2048;

/** Names that mean the machine or the network itself: RFC 6761, RFC 6762, RFC 8375 and ICANN's `.internal`. */
const PRIVATE_NAME = /(^|\.)(localhost|local|internal|home\.arpa)\.?$/;

/** Ports above 1023 that speak another protocol which a request could be mistaken for: the "bad ports" of Fetch. */
const FOREIGN_PORTS = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
]);

/** Kinds of addresses, as ipaddr.js names them, that `allow_private_addresses` opens. All others stay closed. */
const PRIVATE_RANGES = new Set(["loopback", "private", "uniqueLocal", "carrierGradeNat"]);

/** Where clouds serve their machines, credentials too, outside 169.254/16, which is never open. The last is Azure's. */
const METADATA_ADDRESSES = new Set([
  "100.100.100.200",
  "192.0.0.192",
  "fd00:ec2::254",
  "fd20:ce::254",
  "168.63.129.16",
]);

/** IPv4 addresses written as IPv6 in the way that RFC 4291 ended; a host may still take them for what they hold. */
const IPV4_COMPATIBLE = ipaddr.IPv6.parseCIDR("::/96");

/**
 * Checks a URL without resolving its name, and gives its normal form.
 * @throws ReceiverRefusedError with a sentence that says what to change.
 */
export function checkReceiverUrl(text: string, livemode: boolean, policy: ReceiverPolicy): URL {
  // The parser forgives what other programs read differently (https:/host, back slashes, blanks around): refused.
  const url = text.length <= URL_LENGTH_MAX && /^https?:\/\/[^\s\\]+$/i.test(text) ? URL.parse(text) : null;
  if (!url) refuse(`give an absolute https URL of at most ${URL_LENGTH_MAX} characters`);
  if (livemode && url.protocol !== "https:") refuse("use https: live events are never sent in the clear");
  if (url.username !== "" || url.password !== "") refuse("leave user name and password out of the URL");
  if (url.hash !== "") refuse("leave the fragment (#…) out of the URL");
  const port = Number(url.port || (url.protocol === "https:" ? 443 : 80));
  if ((port < 1024 && port !== 443 && port !== 80) || FOREIGN_PORTS.has(port)) refuse(`port ${port} is not allowed`);
  const hostname = unbracket(url.hostname);
  if (isIP(hostname)) checkAddress(hostname, policy);
  else if (!policy.allow_private_addresses && PRIVATE_NAME.test(hostname)) refuse("private names are not allowed");
  return url;
}

/** Throws ReceiverRefusedError unless the IP address may be called. */
export function checkAddress(address: string, policy: ReceiverPolicy): void {
  // An IPv4 address written as IPv6 (::ffff:10.0.0.1) is judged as what it is.
  const parsed = ipaddr.process(address);
  const range = parsed.range();
  const isMetadata = METADATA_ADDRESSES.has(parsed.toString());
  const isCompatible = parsed instanceof ipaddr.IPv6 && parsed.match(IPV4_COMPATIBLE);
  if (!isMetadata && !isCompatible && range === "unicast") return;
  if (!isMetadata && policy.allow_private_addresses && PRIVATE_RANGES.has(range)) return;
  refuse("private, local and reserved addresses are not allowed");
}

/**
 * Resolves a name and checks every address; one that is refused refuses all, since the caller may connect to any.
 * @throws ReceiverRefusedError, or what the resolver throws.
 */
export async function resolveReceiver(hostname: string, policy: ReceiverPolicy): Promise<ResolvedAddress[]> {
  const addresses = await (policy.lookup ?? systemLookup)(hostname);
  for (const { address } of addresses) checkAddress(address, policy);
  return addresses;
}

/** The host of a URL without the brackets that an IPv6 address has there. */
export function unbracket(hostname: string): string {
  return hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
}

function refuse(reason: string): never {
  throw new ReceiverRefusedError(reason);
}
