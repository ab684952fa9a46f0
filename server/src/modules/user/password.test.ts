// Guarantee: a password is kept in a form that shows nothing of it, opens for that password alone, and goes on opening when
// the costs of new hashes change.
import { expect, test } from "vitest";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { generatePassword, hashPassword, verifyPassword } from "./password.ts";

test("only the password itself opens its hash, and two hashes of it differ", async () => {
  const password = new Secret("汇流 correct horse");
  const [first, second] = await Promise.all([
    hashPassword(password, systemRandom),
    hashPassword(password, systemRandom),
  ]);
  expect(first).not.toBe(second);
  expect(first).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(await verifyPassword(password, first)).toBe(true);
  expect(await verifyPassword(new Secret("汇流 correct hors"), first)).toBe(false);
  expect(await verifyPassword(new Secret(""), second)).toBe(false);
});

test("a hash made with other costs, by another implementation, verifies", async () => {
  // The reference implementation's own test vector for argon2id: 64 MiB, two passes, "password" with the salt "somesalt".
  const hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
  expect(await verifyPassword(new Secret("password"), hash)).toBe(true);
  expect(await verifyPassword(new Secret("differentpassword"), hash)).toBe(false);
});

test("what is no hash of ours is a fault, not a refusal", async () => {
  await expect(verifyPassword(new Secret("x"), "plain")).rejects.toThrow("PHC");
});

test("generated passwords are long and differ", () => {
  const made = Array.from({ length: 50 }, () => generatePassword(systemRandom).reveal());
  expect(new Set(made).size).toBe(50);
  for (const password of made) expect(password).toMatch(/^[0-9A-Za-z]{20}$/);
});
