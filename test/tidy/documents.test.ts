// Guarantee: what the documents say about states is what the code does.
import { expect, test } from "vitest";
import { drawStates, type Transitions, unreachableStates } from "../../server/src/kit/state-machine.ts";
import { attemptTransitions, paymentTransitions } from "../../server/src/modules/payment/payment.ts";
import { refundTransitions } from "../../server/src/modules/refund/refund.ts";
import { readText } from "./source.ts";

/** With the state from which all others are reached. */
const tables: readonly [string, Transitions<string>, string][] = [
  ["payment", paymentTransitions as Transitions<string>, "created"],
  ["attempt", attemptTransitions as Transitions<string>, "created"],
  ["refund", refundTransitions as Transitions<string>, "returning"],
];

test.each(tables)("docs/ARCHITECTURE.md draws the states of a %s as they are", (_, table) => {
  expect(readText("docs/ARCHITECTURE.md")).toContain(`\`\`\`mermaid\n${drawStates(table, "created")}\n\`\`\``);
});

test.each(tables)("every state of a %s is reached", (_, table, first) => {
  expect(unreachableStates(table, first)).toEqual([]);
});
