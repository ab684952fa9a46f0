// Guarantee: a sealed value opens only with its master key, in its own row, unchanged to the last bit.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createEnvelope, EnvelopeError, equalSecrets, type MasterKey, sha256 } from "./crypto.ts";
import { systemRandom } from "./random.ts";
import { Secret } from "./secret.ts";

function newMasterKey(id: string): MasterKey {
  return { id, key: new Secret(systemRandom.bytes(32)) };
}

const current = newMasterKey("2026-11");
const envelope = createEnvelope([current], systemRandom);

describe("envelope", () => {
  test("gives back what was sealed", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string(), (value, context) => {
        expect(envelope.open(envelope.seal(new Secret(value), context), context).reveal()).toBe(value);
      }),
    );
  });

  test("a value with any one bit changed does not open", () => {
    const sealed = envelope.seal(new Secret("-----BEGIN PRIVATE KEY-----"), "channel_accounts:1");
    for (let index = 0; index < sealed.length * 8; index++) {
      const changed = Buffer.from(sealed);
      changed[index >> 3]! ^= 1 << (index & 7);
      expect(() => envelope.open(changed, "channel_accounts:1"), `bit ${index}`).toThrow(EnvelopeError);
    }
  });

  test("a value that was cut or lengthened does not open", () => {
    const sealed = envelope.seal(new Secret("x"), "row");
    for (let length = 0; length < sealed.length; length++) {
      expect(() => envelope.open(sealed.subarray(0, length), "row"), `${length} bytes`).toThrow(EnvelopeError);
    }
    expect(() => envelope.open(Buffer.concat([sealed, Buffer.alloc(1)]), "row")).toThrow(EnvelopeError);
  });

  test("a value moved to another row does not open", () => {
    const sealed = envelope.seal(new Secret("x"), "apps:1");
    for (const context of ["apps:2", "apps:", "", "apps:1 "]) {
      expect(() => envelope.open(sealed, context)).toThrow(EnvelopeError);
    }
  });

  test("after a rotation old values open with the old key, new ones are sealed by the new, and a lost key is named", () => {
    const next = newMasterKey("2027-01");
    const rotated = createEnvelope([next, current], systemRandom);
    expect(rotated.open(envelope.seal(new Secret("old"), "row"), "row").reveal()).toBe("old");
    const sealed = rotated.seal(new Secret("new"), "row");
    expect(createEnvelope([next], systemRandom).open(sealed, "row").reveal()).toBe("new");
    expect(() => envelope.open(sealed, "row")).toThrow(/2027-01/);
  });

  test("another key under the same id does not open", () => {
    const sealed = envelope.seal(new Secret("x"), "row");
    expect(() => createEnvelope([newMasterKey(current.id)], systemRandom).open(sealed, "row")).toThrow(EnvelopeError);
  });

  test("the same value sealed twice looks different, and shows nothing of itself", () => {
    const value = "a value that is long enough to be found";
    const [first, second] = [envelope.seal(new Secret(value), "row"), envelope.seal(new Secret(value), "row")];
    expect(first.equals(second)).toBe(false);
    expect(first.includes(value)).toBe(false);
  });

  test("a master key that could not open what it seals is refused", () => {
    expect(() => createEnvelope([newMasterKey("x".repeat(256))], systemRandom)).toThrow(EnvelopeError);
    expect(() => createEnvelope([newMasterKey("")], systemRandom)).toThrow(EnvelopeError);
    const short: MasterKey = { id: "short", key: new Secret(Buffer.alloc(16)) };
    expect(() => createEnvelope([short], systemRandom)).toThrow(EnvelopeError);
  });
});

test("secrets are equal exactly when their bytes are, whatever their lengths", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(equalSecrets(a, b)).toBe(a === b);
      expect(equalSecrets(a, Buffer.from(a))).toBe(true);
    }),
  );
});

test("sha256 is that of the standard's example", () => {
  expect(sha256("abc").toString("hex")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
});
