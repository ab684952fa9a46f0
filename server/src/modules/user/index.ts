/** People who sign in. The only door of the module. */
export { createUser, listUsers, replacePassword, setUserStatus, type UserWithPassword } from "./manage-users.ts";
export { registerSessionRoutes } from "./routes/session/route.ts";
export type { SignInServices } from "./sign-in.ts";
export { type Role, roles, type User } from "./user.ts";
