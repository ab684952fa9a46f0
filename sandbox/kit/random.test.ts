/** Guarantees that numbers replay from the seed, and that a channel's trade numbers never meet under load. */
import { expect, it } from "vitest";
import { createRandom } from "./random.ts";

it("answers the same from the same seed, and other things from another one", () => {
  const draw = (seed: number) => {
    const random = createRandom(seed);
    return [random.digits(9), random.hex(20), random.token(10), random.integer(1000), random.serial()];
  };
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
});

it("gives out every serial once", () => {
  const random = createRandom(7);
  const serials = new Set(Array.from({ length: 200_000 }, () => random.serial()));
  expect(serials.size).toBe(200_000);
  expect([...serials].every((serial) => /^\d{9}$/.test(serial))).toBe(true);
});

it("keeps to the length and the alphabet", () => {
  const random = createRandom(1);
  expect(random.digits(28)).toMatch(/^\d{28}$/);
  expect(random.hex(40)).toMatch(/^[0-9a-f]{40}$/);
  expect(random.token(32)).toMatch(/^[0-9A-Za-z]{32}$/);
});
