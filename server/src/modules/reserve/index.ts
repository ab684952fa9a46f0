/** What is held back of settlements, and its release. The only door of the module. */
export { drawOnReserve, type ReserveDraw, readReserveCover, returnToReserve } from "./draw-on-reserve.ts";
export { reserveErrors } from "./errors.ts";
export { holdReserves, planReserves, type ReservePlan, type SettledAmount } from "./hold-reserves.ts";
export { createReserveWorker } from "./jobs.ts";
export { presentReserve } from "./present.ts";
export {
  askEarlyRelease,
  type EarlyRelease,
  RESERVE_RELEASE_APPROVAL,
  requestEarlyRelease,
  reserveReleaseHandler,
} from "./release-early.ts";
export type { Reserve, ReserveKey, ReserveSettings } from "./reserve.ts";
export { registerReserveRoutes } from "./routes/index.ts";
export { ReserveObject, ReserveStatusSchema } from "./routes/schemas.ts";
export type { ReserveServices } from "./services.ts";
export { type ReserveInput, setReserve } from "./set-reserve.ts";
export { findReserve, listReserves, loadReserveSettings, type ReserveId } from "./store.ts";
