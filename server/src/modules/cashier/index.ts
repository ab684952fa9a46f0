export { type CashierOptions, registerCashierRoutes } from "./routes.ts";
export type { CashierPayment, CashierService } from "./service.ts";
