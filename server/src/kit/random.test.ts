// Guarantee: chance is fresh, unbiased and never handed out twice; a seed repeats a run.
import { describe, expect, test } from "vitest";
import { createSeededRandom, type Random, randomToken, systemRandom } from "./random.ts";

describe("the system's chance", () => {
  test("bytes handed out stay as they are and are not handed out again, across the pool's edge", () => {
    const pieces = Array.from({ length: 2_000 }, (_, index) => systemRandom.bytes(12 + (index % 50)));
    const before = pieces.map((piece) => piece.toString("hex"));
    systemRandom.bytes(64);
    expect(pieces.map((piece) => piece.toString("hex"))).toEqual(before);
    expect(new Set(before).size).toBe(before.length);
    expect(pieces.filter((piece) => piece.every((byte) => byte === 0))).toEqual([]);
  });

  test("gives as many bytes as asked", () => {
    for (const length of [0, 1, 64, 65, 4096, 5000]) expect(systemRandom.bytes(length)).toHaveLength(length);
  });

  test("a unit lies in [0, 1)", () => {
    for (let index = 0; index < 1_000; index++) {
      const unit = systemRandom.unit();
      expect(unit >= 0 && unit < 1).toBe(true);
    }
  });
});

describe("seeded chance", () => {
  test("repeats, and differs between seeds", () => {
    const draw = (seed: number) => createSeededRandom(seed).bytes(32).toString("hex");
    expect(draw(1)).toBe(draw(1));
    expect(draw(1)).not.toBe(draw(2));
  });

  test("spreads evenly enough for a simulation", () => {
    const random = createSeededRandom(42);
    const buckets = Array.from({ length: 10 }, () => 0);
    for (let index = 0; index < 10_000; index++) buckets[Math.floor(random.unit() * 10)]! += 1;
    for (const count of buckets) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});

describe("a token", () => {
  test("has the length asked and only letters and digits", () => {
    for (const length of [1, 31, 32, 33, 100]) {
      expect(randomToken(systemRandom, length)).toMatch(new RegExp(`^[0-9A-Za-z]{${length}}$`));
    }
  });

  test("uses each character as often: bytes that would favour some are rejected", () => {
    let next = 0;
    const everyByte: Random = {
      unit: () => 0,
      bytes: (length) => Buffer.from(Array.from({ length }, () => next++ & 0xff)),
    };
    const counts = new Map<string, number>();
    for (const character of randomToken(everyByte, 62 * 4)) counts.set(character, (counts.get(character) ?? 0) + 1);
    expect([...counts.values()]).toEqual(Array.from({ length: 62 }, () => 4));
  });
});
