/**
 * Guarantee: where a channel asks who connects, the merchant's certificate is shown, and a connection made with one
 * certificate never carries a call that shows another or none.
 */
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, it } from "vitest";
import { generateRsa, readPrivateKey, readPublicKey } from "../../../sandbox/kit/crypto.ts";
import { issueCertificate } from "../../../sandbox/kit/x509.ts";
import { systemClock } from "../kit/clock.ts";
import type { ClientCertificate } from "./contract.ts";
import { createWire } from "./wire.ts";

/** A certificate that vouches for itself. */
async function selfSigned(name: string): Promise<ClientCertificate> {
  const { private_pem, public_pem } = await generateRsa();
  const subject = [["CN", name]] as const;
  const certificate = issueCertificate({
    serial_hex: "5A",
    subject,
    issuer: subject,
    public_key: readPublicKey(public_pem),
    signer: readPrivateKey(private_pem),
    not_before_ms: systemClock.now() - 86_400_000,
    not_after_ms: systemClock.now() + 86_400_000,
    authority: true,
  });
  return { certificate, private_key: private_pem };
}

let url: string;
let close: () => void;
let merchants: ClientCertificate[];
const trusted = getCACertificates("default");

beforeAll(async () => {
  const channel = await selfSigned("localhost");
  merchants = await Promise.all([selfSigned("merchant-1"), selfSigned("merchant-2")]);
  const options = { key: channel.private_key, cert: channel.certificate, requestCert: true, rejectUnauthorized: false };
  const server = createServer(options, (request, response) => {
    response.end((request.socket as TLSSocket).getPeerCertificate().subject?.CN ?? "nobody");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  setDefaultCACertificates([channel.certificate]);
  url = `https://localhost:${(server.address() as AddressInfo).port}/secapi/pay/reverse`;
  close = () => void server.close();
});
afterAll(() => {
  setDefaultCACertificates(trusted);
  close();
});

it("shows the certificate of the call, or none", async () => {
  const wire = createWire(5_000);
  const callAs = async (shown: ClientCertificate | undefined) => {
    const answer = await wire.exchange({
      method: "GET",
      url,
      headers: {},
      ...(shown && { client_certificate: shown }),
    });
    if ("kind" in answer) throw new Error(`${answer.reason}: ${answer.detail}`);
    return answer.body.toString("utf8");
  };
  for (let round = 0; round < 3; round += 1) {
    expect(await callAs(merchants[0])).toBe("merchant-1");
    expect(await callAs(undefined)).toBe("nobody");
    expect(await callAs(merchants[1])).toBe("merchant-2");
  }
  await wire.end();
});
