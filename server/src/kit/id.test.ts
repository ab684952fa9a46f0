// Guarantee: an id means the same outside as in the database, sorts by time, and text that is not an id is never one.
import fc from "fast-check";
import { decodeTime, isValid, ulidToUUID, uuidToULID } from "ulid";
import { describe, expect, test } from "vitest";
import { createManualClock } from "./clock.ts";
import { createIdSource, decodeUuid, encodeUuid, idPrefixes, parsePublicId, publicId, uuidFloor } from "./id.ts";
import { createSeededRandom, systemRandom } from "./random.ts";

const uuids = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => {
  const hex = Buffer.from(bytes).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
});
const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const instants = fc.integer({ min: 0, max: 2 ** 48 - 1 });

describe("the 26 characters", () => {
  test("round trip, and are the ULID of the same bits", () => {
    fc.assert(
      fc.property(uuids, (uuid) => {
        const text = encodeUuid(uuid);
        expect(text).toBe(uuidToULID(uuid));
        expect(isValid(text)).toBe(true);
        expect(decodeUuid(text)).toBe(uuid);
        expect(ulidToUUID(text).toLowerCase()).toBe(uuid);
        expect(decodeUuid(text.toLowerCase())).toBe(uuid);
      }),
    );
  });

  test("sort as the UUIDs do", () => {
    fc.assert(
      fc.property(uuids, uuids, (a, b) => {
        expect(Math.sign(encodeUuid(a) < encodeUuid(b) ? -1 : 1)).toBe(a < b ? -1 : 1);
      }),
    );
  });

  test("the bounds are those of 128 bits", () => {
    expect(decodeUuid("7ZZZZZZZZZZZZZZZZZZZZZZZZZ")).toBe("ffffffff-ffff-ffff-ffff-ffffffffffff");
    expect(decodeUuid("00000000000000000000000000")).toBe("00000000-0000-0000-0000-000000000000");
    expect(decodeUuid("80000000000000000000000000")).toBeUndefined();
  });

  test.each([
    "",
    "01K",
    "01ARZ3NDEKTSV4RRFFQ69G5FA",
    "01ARZ3NDEKTSV4RRFFQ69G5FAVV",
    "01ARZ3NDEKTSV4RRFFQ69G5FAI",
    "01ARZ3NDEKTSV4RRFFQ69G5FAL",
    "01ARZ3NDEKTSV4RRFFQ69G5FAO",
    "01ARZ3NDEKTSV4RRFFQ69G5FAU",
    "01ARZ3NDEKTSV4RRFFQ69G5FA ",
    "01ARZ3NDEKTSV4RRFFQ69G5FA\n",
    // Characters whose upper case is an ASCII letter, or two.
    "01ARZ3NDEKTſV4RRFFQ69G5FAV",
    "01ARZ3NDEKTßV4RRFFQ69G5FAV",
  ])("%j is not an id", (text) => {
    expect(decodeUuid(text)).toBeUndefined();
    expect(parsePublicId("payment", `pay_${text}`)).toBeUndefined();
  });
});

describe("new ids", () => {
  test("are version 7 of the clock's time", () => {
    fc.assert(
      fc.property(instants, fc.integer(), (at_ms, seed) => {
        const uuid = createIdSource(createManualClock(at_ms), createSeededRandom(seed)).uuid();
        expect(uuid).toMatch(uuidV7);
        expect(decodeTime(encodeUuid(uuid))).toBe(at_ms);
      }),
    );
  });

  test("sort by time", () => {
    fc.assert(
      fc.property(fc.uniqueArray(instants, { minLength: 2, maxLength: 2 }), fc.integer(), ([a, b], seed) => {
        const random = createSeededRandom(seed);
        const first = createIdSource(createManualClock(Math.min(a!, b!)), random).uuid();
        const second = createIdSource(createManualClock(Math.max(a!, b!)), random).uuid();
        expect(first < second).toBe(true);
      }),
    );
  });

  test("of an instant and later are above its floor, earlier ones below", () => {
    fc.assert(
      fc.property(instants, instants, fc.integer(), (at_ms, instant, seed) => {
        const uuid = createIdSource(createManualClock(at_ms), createSeededRandom(seed)).uuid();
        expect(uuid > uuidFloor(instant)).toBe(at_ms >= instant);
        expect(uuid > uuidFloor(at_ms)).toBe(true);
        expect(uuid < uuidFloor(at_ms + 1) || at_ms === 2 ** 48 - 1).toBe(true);
      }),
    );
  });

  test("have a floor also for instants that they cannot hold", () => {
    expect(uuidFloor(-1)).toBe("00000000-0000-0000-0000-000000000000");
    expect(uuidFloor(8.64e15)).toBe("ffffffff-ffff-0000-0000-000000000000");
  });

  test("differ within one millisecond", () => {
    const source = createIdSource(createManualClock(1_795_000_000_000), systemRandom);
    expect(new Set(Array.from({ length: 20_000 }, source.uuid)).size).toBe(20_000);
  });

  test("repeat with the same clock and seed, so that a run can be replayed", () => {
    const make = () => createIdSource(createManualClock(5), createSeededRandom(7)).uuid();
    expect(make()).toBe(make());
  });
});

describe("public ids", () => {
  test("carry the prefix of their kind, and no other kind reads them", () => {
    fc.assert(
      fc.property(
        uuids,
        fc.constantFrom(...(Object.keys(idPrefixes) as (keyof typeof idPrefixes)[])),
        fc.constantFrom(...(Object.keys(idPrefixes) as (keyof typeof idPrefixes)[])),
        (uuid, kind, other) => {
          const id = publicId(kind, uuid);
          expect(id).toBe(`${idPrefixes[kind]}_${uuidToULID(uuid)}`);
          expect(parsePublicId(other, id)).toBe(other === kind ? uuid : undefined);
        },
      ),
    );
  });

  test("prefixes are distinct", () => {
    expect(new Set(Object.values(idPrefixes)).size).toBe(Object.keys(idPrefixes).length);
  });
});
