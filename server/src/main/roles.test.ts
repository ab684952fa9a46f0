// Guarantee: --roles means exactly the roles that are named, and a wrong name is answered with the right ones.
import { expect, test } from "vitest";
import { readRoles } from "./roles.ts";
import { StartError } from "./start-error.ts";

test.each([
  ["all", ["api", "worker", "sandbox"]],
  ["api", ["api"]],
  ["api,worker", ["api", "worker"]],
  [" worker , api ", ["worker", "api"]],
  ["sandbox,sandbox", ["sandbox"]],
])("%j is %j", (text, roles) => {
  expect([...readRoles(text)]).toEqual(roles);
});

test.each([
  ["cook", "cook"],
  ["api,cook", "cook"],
  ["API", "API"],
  ["all,api", "all"],
  ["api,", ""],
  ["", ""],
])("%j is refused by a sentence that names what is wrong and what is right", (text, unknown) => {
  const sentence = `There is no role "${unknown}": give --roles some of api, worker, sandbox, or all.`;
  expect(() => readRoles(text)).toThrow(new StartError(sentence));
});
