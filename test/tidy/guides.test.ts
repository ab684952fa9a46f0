// Guarantee: the guide to adding a channel names files that exist and shows code as it stands in them.
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { listFiles, readText } from "./source.ts";

const guide = readText("docs/guides/add-a-channel.md");
const squeeze = (text: string) => text.replace(/\s+/g, "").replaceAll(",}", "}");

test("its code is the code", () => {
  const code = listFiles("server/src/channels").filter((path) => path.endsWith(".ts"));
  const all = code.map((path) => squeeze(readText(path))).join("\n");
  const blocks = [...guide.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block]) => block!);
  const pieces = blocks.flatMap((block) => block.split(/^\/\/.*\n/m));
  expect(pieces.length).toBeGreaterThan(3);
  expect(pieces.filter((piece) => !all.includes(squeeze(piece)))).toEqual([]);
});

test("its files exist", () => {
  const named = [...guide.matchAll(/`((?:[\w-]+\/)+[\w.-]*)`/g)].map(([, path]) => path!);
  const homes = ["", "server/src/", "server/src/channels/", "server/src/modules/", "web/", "test/"];
  const missing = named.filter((path) => !homes.some((home) => existsSync(home + path)));
  expect(missing.filter((path) => !path.includes("<"))).toEqual([]);
});
