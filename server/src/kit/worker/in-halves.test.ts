// Guarantee: work in groups leaves nobody out, and one that cannot be done holds up nobody else.
import fc from "fast-check";
import { expect, test } from "vitest";
import { inGroups, workInHalves } from "./in-halves.ts";

test("groups have all items in their order, and none is too large", () => {
  fc.assert(
    fc.property(fc.array(fc.integer()), fc.integer({ min: 1, max: 9 }), (items, size) => {
      const groups = inGroups(items, size);
      expect(groups.flat()).toEqual(items);
      expect(groups.every(({ length }) => length > 0 && length <= size)).toBe(true);
    }),
  );
});

test("all but the bad are done, each once, and the badness is told", async () => {
  const items = fc.uniqueArray(fc.integer({ min: 0, max: 100 }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(items, fc.integer({ min: 2, max: 20 }), async (list, bad) => {
      const done: number[] = [];
      const work = async (some: readonly number[]) => {
        if (some.some((item) => item % bad === 0)) throw new Error("a bad one");
        done.push(...some);
      };
      const good = list.filter((item) => item % bad !== 0);
      const working = workInHalves(list, work);
      if (good.length < list.length) await expect(working).rejects.toThrow("a bad one");
      else await working;
      expect(done.sort()).toEqual(good.sort());
    }),
  );
});
