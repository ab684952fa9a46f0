// Guarantee: nobody shows a demo to a network unknowingly: HOST alone never opens the sandbox, and what is open is said.
import { expect, test } from "vitest";
import { readConfig } from "./config.ts";
import { describeExposure } from "./exposure.ts";
import { readRoles } from "./roles.ts";

const say = (environment: Record<string, string>, roles = "all") =>
  describeExposure(readConfig(environment), readRoles(roles));

test("the sandbox stays on this machine whatever HOST is, and has an address of its own when told", () => {
  expect(readConfig({ HOST: "0.0.0.0", SANDBOX_PORT: "8190" })).toMatchObject({
    sandbox_host: "127.0.0.1",
    sandbox_public_url: "http://localhost:8190",
  });
  expect(readConfig({ SANDBOX_HOST: "0.0.0.0", SANDBOX_PUBLIC_URL: "http://192.0.2.7:8090/" })).toMatchObject({
    sandbox_host: "0.0.0.0",
    sandbox_public_url: "http://192.0.2.7:8090",
  });
  expect(() => readConfig({ SANDBOX_PUBLIC_URL: "192.0.2.7" })).toThrow(/SANDBOX_PUBLIC_URL is "192.0.2.7": set it/);
});

test.each([{}, { HOST: "localhost" }, { HOST: "::1", SANDBOX_HOST: "127.0.0.2" }])(
  "%j is open to nobody else",
  (given) => {
    expect(say(given)).toBeUndefined();
  },
);

test("a demo that others reach says by which setting", () => {
  expect(say({ HOST: "0.0.0.0" })).toMatch(/^This demo listens beyond this machine \(HOST=0\.0\.0\.0\): [^\n]*\.$/);
  expect(say({ SANDBOX_HOST: "::" })).toMatch(/\(SANDBOX_HOST=::\)/);
  expect(say({ HOST: "10.0.0.1", SANDBOX_HOST: "10.0.0.1" })).toMatch(/\(HOST=10\.0\.0\.1, SANDBOX_HOST=10\.0\.0\.1\)/);
  expect(say({ HOST: "0.0.0.0", SANDBOX_HOST: "0.0.0.0" }, "worker")).toBeUndefined();
});
