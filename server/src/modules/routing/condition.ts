/**
 * Conditions of rules, in CEL (the Common Expression Language): `amount > 500000 && method.startsWith("wechat")`. They are
 * checked when a rule is saved, parsed once, and always end: no loops over anything but short lists, no regular
 * expressions, which could be written to take for ever.
 */
import { type ASTNode, Environment, type ParseResult } from "@marcbachmann/cel-js";
import { LRUCache } from "lru-cache";

/** What a condition is about. */
export interface Facts {
  /** Minor units. */
  readonly amount: bigint;
  readonly currency: string;
  /** Such as `wechat.native`. */
  readonly method: string;
  /** The part of the method before its dot. */
  readonly channel: string;
  /** The public id of the app. */
  readonly app: string;
  /** Empty when the payment names none. */
  readonly store: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** 0 to 23, in the rule's time zone. */
  readonly hour: bigint;
  /** 1 (Monday) to 7 (Sunday), in the rule's time zone. */
  readonly weekday: bigint;
}

const LENGTH_MAX = 2_000;
const COMPILED_MAX = 10_000;

let environment: Environment | undefined;

function getEnvironment(): Environment {
  environment ??= new Environment({ limits: { maxAstNodes: 500, maxDepth: 50, maxListElements: 200 } })
    .registerVariable("amount", "int")
    .registerVariable("currency", "string")
    .registerVariable("method", "string")
    .registerVariable("channel", "string")
    .registerVariable("app", "string")
    .registerVariable("store", "string")
    .registerVariable("metadata", "map<string, string>")
    .registerVariable("hour", "int")
    .registerVariable("weekday", "int");
  return environment;
}

const variables = "amount, currency, method, channel, app, store, metadata, hour and weekday";

/** A sentence about what is wrong with a condition and where, or undefined when it can be used. */
export function checkCondition(text: string): string | undefined {
  if (text.length > LENGTH_MAX) return `condition must have at most ${LENGTH_MAX} characters.`;
  const checked = getEnvironment().check(text);
  if (!checked.valid) return explain(text, checked.error);
  if (checked.type !== "bool") return `condition must be true or false, and this one is of the type ${checked.type}.`;
  if (callsMatches(getEnvironment().parse(text).ast)) {
    return "condition must not use matches(), which can be made to take for ever: use startsWith, endsWith, contains or in.";
  }
  return undefined;
}

function explain(text: string, error: unknown): string {
  const { summary, range, code } = error as { summary: string; code: string; range?: { start: number } };
  const start = range?.start ?? 0;
  const place = start < text.length ? `at character ${start + 1}, "${text.slice(start, start + 20)}"` : "at its end";
  const hint = code === "unknown_variable" ? ` A condition knows ${variables}.` : "";
  return `condition cannot be used ${place}: ${summary}.${hint}`;
}

function callsMatches(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(callsMatches);
  if (node === null || typeof node !== "object" || !("op" in node)) return false;
  const { op, args } = node as ASTNode;
  return (op === "rcall" && (args as unknown[])[0] === "matches") || callsMatches(args);
}

const compiled = new LRUCache<string, ParseResult>({ max: COMPILED_MAX });

/**
 * Whether a condition holds. One that trips over these facts (a key that `metadata` lacks, a division by zero) does not.
 * @param text a condition that `checkCondition` let pass.
 */
export function holds(text: string, facts: Facts): boolean {
  // What most rules say needs no evaluation.
  if (text === "true") return true;
  let parsed = compiled.get(text);
  if (!parsed) {
    parsed = getEnvironment().parse(text);
    compiled.set(text, parsed);
  }
  try {
    return parsed(facts) === true;
  } catch {
    return false;
  }
}
