/** Which channel account takes a payment. The only door of the module. */
export type { RoutingDecision } from "./decide.ts";
export { routingErrors } from "./errors.ts";
export {
  createRoutingRule,
  deleteRoutingRule,
  listRouting,
  type RoutingLimitInput,
  type RoutingRuleInput,
  setRoutingLimit,
} from "./manage-rules.ts";
export { createRouter, type RouteRequest, type Router } from "./route.ts";
export { registerRoutingRoutes } from "./routes/index.ts";
export { RoutingDecisionObject } from "./routes/schemas.ts";
export type { RoutingLimit, RoutingRule, Target } from "./rule.ts";
export type { OutcomeCount, PastAttempt, PastAttempts, RoutingServices } from "./services.ts";
export { presentSimulation, type Simulation, simulatePast, simulatePayment } from "./simulate.ts";
