/** What operators do by the API that the command line does too. The only door of the module. */
export {
  CONFIRM_TRANSFER,
  type Confirmation,
  createConfirmationHandlers,
  requestConfirmation,
} from "./request-confirmation.ts";
export { registerAdministrationRoutes } from "./routes/index.ts";
export type { AdministrationServices } from "./services.ts";
