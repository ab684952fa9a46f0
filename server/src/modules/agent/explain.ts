/** Sentences about prices that do not fit. */
import { publicId } from "../../kit/id.ts";
import type { Agent } from "./agent.ts";
import { type BrokenPrice, rateText } from "./price.ts";

/** `all methods`, `other methods of wechat`, `wechat.native`. */
export function methodText(method: string): string {
  if (method === "*.*") return "methods without a price of their own";
  return method.endsWith(".*") ? `methods of ${method.slice(0, -2)}` : method;
}

/** What is wrong with a price, and between what it would have to lie. */
export function describeBroken(broken: BrokenPrice, agents: readonly Agent[], currency: string): string {
  const agent = agents.find(({ id }) => id === broken.agent_id)!;
  const above = agents.find(({ id }) => id === agent.parent_id);
  const [name, giver] = [nameOf(agent), above ? nameOf(above) : "the level above"];
  const what = `${methodText(broken.method)} in ${currency}`;
  if (!broken.above) return `${giver} has no price for ${what} that it could give on to ${name}: set that first.`;
  const { minimum, maximum } = broken.above;
  const range = `between ${rateText(minimum, currency)} and ${rateText(maximum, currency)}`;
  const own = `pays ${rateText(broken.terms.price, currency)} and may ask up to ${rateText(broken.terms.maximum, currency)}`;
  return `For ${what} ${name} would lie outside what ${giver} may give, which is ${range}: it ${own}.`;
}

function nameOf(agent: Agent): string {
  return `${agent.name} (${publicId("agent", agent.id)})`;
}
