/** The addresses and networks from which an API key may call. */
import { BlockList, isIP } from "node:net";
import { identityErrors } from "./errors.ts";

const NETWORKS_MAX = 50;

/**
 * Networks in CIDR form, or single addresses, as they are kept.
 * @throws identity.networks_invalid
 */
export function readNetworks(texts: readonly string[]): string[] {
  const networks = texts.map((text) => text.trim()).filter((text) => text !== "");
  if (networks.length > NETWORKS_MAX) throw invalid(`Give ${NETWORKS_MAX} networks at most.`);
  for (const text of networks) if (!parse(text)) throw invalid(`"${text}" is neither.`);
  return networks;
}

/** Tells whether an address lies in one of the networks; every address does when there are none. */
export function createNetworkCheck(networks: readonly string[]): (address: string) => boolean {
  if (networks.length === 0) return () => true;
  const allowed = new BlockList();
  for (const text of networks) {
    const parsed = parse(text);
    if (parsed) allowed.addSubnet(parsed.address, parsed.bits, parsed.family);
  }
  // An IPv4 address that came over an IPv6 socket is found among the IPv4 networks too.
  return (address) => allowed.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

function parse(text: string): { address: string; bits: number; family: "ipv4" | "ipv6" } | undefined {
  const [, address = "", bits] = /^([0-9a-f:.]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0) return undefined;
  const width = version === 6 ? 128 : 32;
  const length = bits === undefined ? width : Number(bits);
  return length <= width ? { address, bits: length, family: version === 6 ? "ipv6" : "ipv4" } : undefined;
}

function invalid(problem: string) {
  return identityErrors["identity.networks_invalid"]({ param: "networks", values: { problem } });
}
