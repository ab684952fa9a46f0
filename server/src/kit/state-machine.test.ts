// Guarantee: a state table allows exactly the moves it lists, and an unsound table is found out.
import { describe, expect, test } from "vitest";
import {
  canMove,
  drawStates,
  statesBefore,
  type Transitions,
  terminalStates,
  unreachableStates,
} from "./state-machine.ts";

type State = "created" | "sent" | "done" | "dropped" | "lost";

const table: Transitions<State> = {
  created: ["sent", "dropped"],
  sent: ["done", "sent"],
  done: [],
  dropped: ["done"],
  lost: ["done"],
};

describe("a state table", () => {
  test("allows what it lists and nothing else", () => {
    const states = Object.keys(table) as State[];
    const allowed = states.flatMap((from) => states.filter((to) => canMove(table, from, to)).map((to) => [from, to]));
    expect(allowed).toEqual([
      ["created", "sent"],
      ["created", "dropped"],
      ["sent", "sent"],
      ["sent", "done"],
      ["dropped", "done"],
      ["lost", "done"],
    ]);
  });

  test("names the states from which a guarded update may move", () => {
    expect(statesBefore(table, "done")).toEqual(["sent", "dropped", "lost"]);
    expect(statesBefore(table, "created")).toEqual([]);
  });

  test("names its ends and what nothing leads to", () => {
    expect(terminalStates(table)).toEqual(["done"]);
    expect(unreachableStates(table, "created")).toEqual(["lost"]);
    expect(unreachableStates(table, "done")).toEqual(["created", "sent", "dropped", "lost"]);
  });

  test("draws every move", () => {
    expect(drawStates(table, "created").split("\n")).toEqual([
      "stateDiagram-v2",
      "  [*] --> created",
      "  created --> sent",
      "  created --> dropped",
      "  sent --> done",
      "  sent --> sent",
      "  done --> [*]",
      "  dropped --> done",
      "  lost --> done",
    ]);
  });
});
