/** API keys and authentication. The only door of the module. */
export type { ApiKey } from "./api-key.ts";
export { type Authenticator, type AuthenticatorOptions, createAuthenticator } from "./authenticator.ts";
export { identityErrors } from "./errors.ts";
export {
  type CreatedKey,
  createApiKey,
  listApiKeys,
  restrictApiKey,
  revokeApiKey,
  rotateApiKey,
} from "./manage-keys.ts";
export type { KeyFilter } from "./store.ts";
