/** People who sign in. The only door of the module. */
export { userErrors } from "./errors.ts";
export {
  createUser,
  findOperator,
  listUsers,
  replacePassword,
  setUserStatus,
  type UserWithPassword,
} from "./manage-users.ts";
export { registerSessionRoutes } from "./routes/session/route.ts";
export { readSessionToken, requireSession, type SessionToken, type SignInServices } from "./sign-in.ts";
export { loadUsers, pageUsers, type UserFilter } from "./store.ts";
export { type Role, roles, type Session, type User } from "./user.ts";
