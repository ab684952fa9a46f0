/** The wire shapes of agents and their prices. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import type { Agent } from "./agent.ts";
import type { AgentPrice, Rate } from "./price.ts";
import type { Binding } from "./store.ts";

/** An agent as the API shows it; `path` begins at the agent who looks, for whom nobody stands above it. */
export function presentAgent(agent: Agent, seen_from?: string) {
  const path = seen_from === undefined ? agent.path : agent.path.slice(agent.path.indexOf(seen_from));
  const parent_id = agent.id === seen_from ? null : agent.parent_id;
  return {
    id: publicId("agent", agent.id),
    object: "agent" as const,
    name: agent.name,
    parent: parent_id === null ? null : publicId("agent", parent_id),
    path: path.map((id) => publicId("agent", id)),
    level: path.length,
    created_at: toRfc3339(agent.created_at),
  };
}

function presentRate({ rate_ppm, fixed_amount }: Rate) {
  return { rate_ppm: Number(rate_ppm), fixed_amount: Number(fixed_amount) };
}

/** What an agent pays and may give on. */
export function presentPrice(price: AgentPrice) {
  return {
    id: publicId("agent_price", price.id),
    object: "agent_price" as const,
    agent: publicId("agent", price.agent_id),
    method: price.method,
    currency: price.currency,
    price: presentRate(price.price),
    default: presentRate(price.default),
    minimum: presentRate(price.minimum),
    maximum: presentRate(price.maximum),
    effective_from: toRfc3339(price.effective_from),
    created_at: toRfc3339(price.created_at),
  };
}

/** Whose merchant one is. */
export function presentBinding(binding: Binding) {
  return {
    object: "agent_binding" as const,
    merchant: publicId("merchant", binding.merchant_id),
    agent: binding.agent_id === null ? null : publicId("agent", binding.agent_id),
    effective_from: toRfc3339(binding.effective_from),
    created_at: toRfc3339(binding.created_at),
  };
}
