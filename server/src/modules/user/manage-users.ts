/** Making users, giving them passwords, letting them in and keeping them out. */
import type { Clock } from "../../kit/clock.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Random } from "../../kit/random.ts";
import type { Secret } from "../../kit/secret.ts";
import { brokenConstraint, type Database, type Sql } from "../../kit/sql/database.ts";
import { merchantErrors } from "../merchant/index.ts";
import { userErrors } from "./errors.ts";
import { generatePassword, hashPassword } from "./password.ts";
import { deleteSessions, insertUser, loadUserByEmail, savePassword, saveStatus, selectUsers } from "./store.ts";
import type { Role, User } from "./user.ts";

const EMAIL = /^[^\s@]+@[^\s@]+$/;
const EMAIL_LENGTH_MAX = 254;
const NAME_LENGTH_MAX = 100;

/** The password is in the answer and nowhere else. */
export interface UserWithPassword {
  readonly user: User;
  readonly password: Secret;
}

/**
 * Creates an active user with a generated password. A merchant's person names the merchant, an agent's the
 * agent; an operator names neither.
 * @throws user.invalid, user.email_taken, merchant.not_found
 */
export async function createUser(
  services: { sql: Sql; clock: Clock; ids: IdSource; random: Random },
  input: { email: string; name: string; role: Role; merchant_id: string | null; agent_id?: string | null },
): Promise<UserWithPassword> {
  const { role, merchant_id, agent_id = null } = input;
  if ((role === "merchant") !== (merchant_id !== null)) {
    throw invalid(
      "merchant",
      role === "merchant" ? "A merchant's user needs a merchant." : "Only a merchant's user has a merchant.",
    );
  }
  if ((role === "agent") !== (agent_id !== null)) {
    throw invalid("agent", role === "agent" ? "An agent's user needs an agent." : "Only an agent's user has an agent.");
  }
  const user: User = {
    id: services.ids.uuid(),
    email: readEmail(input.email),
    name: readName(input.name),
    role,
    merchant_id,
    agent_id,
    status: "active",
    created_at: services.clock.now(),
  };
  const password = generatePassword(services.random);
  try {
    await insertUser(services.sql, user, await hashPassword(password, services.random));
  } catch (error) {
    if (brokenConstraint(error) === "users_email_key") throw userErrors["user.email_taken"]({ param: "email" });
    if (brokenConstraint(error) === "users_merchant_id_fkey") throw merchantErrors["merchant.not_found"]();
    // The module of agents knows people, so its errors are not at hand here.
    if (brokenConstraint(error) === "users_agent_id_fkey") throw invalid("agent", "There is no such agent.");
    throw error;
  }
  return { user, password };
}

/**
 * Gives a user another password, a generated one, and ends every session of the old one.
 * @throws user.not_found
 */
export async function replacePassword(
  { db, random }: { db: Database; random: Random },
  email: string,
): Promise<UserWithPassword> {
  const password = generatePassword(random);
  const hash = await hashPassword(password, random);
  const user = await db.transaction(async (tx) => {
    const changed = await savePassword(tx, readEmail(email), hash);
    if (changed) await deleteSessions(tx, changed.id);
    return changed;
  });
  if (!user) throw userErrors["user.not_found"]();
  return { user, password };
}

/**
 * Lets a user in or keeps them out; who is disabled is signed out everywhere.
 * @throws user.not_found
 */
export async function setUserStatus(db: Database, email: string, status: User["status"]): Promise<User> {
  const user = await db.transaction(async (tx) => {
    const changed = await saveStatus(tx, readEmail(email), status);
    if (changed && status === "disabled") await deleteSessions(tx, changed.id);
    return changed;
  });
  if (!user) throw userErrors["user.not_found"]();
  return user;
}

/**
 * The operator of an email, who may act.
 * @throws user.not_operator
 */
export async function findOperator(sql: Sql, email: string): Promise<User> {
  const user = await loadUserByEmail(sql, readEmail(email));
  if (user?.role !== "operator" || user.status !== "active") throw userErrors["user.not_operator"]();
  const { password_hash: _, ...operator } = user;
  return operator;
}

/** All users by email, up to `limit`. */
export function listUsers(sql: Sql, limit: number): Promise<User[]> {
  return selectUsers(sql, limit);
}

function readEmail(text: string): string {
  const email = text.trim().toLowerCase();
  if (email.length <= EMAIL_LENGTH_MAX && EMAIL.test(email) && !email.includes("\0")) return email;
  throw invalid("email", "email must be an address such as name@example.com.");
}

function readName(text: string): string {
  const name = text.trim();
  if (name.length > 0 && name.length <= NAME_LENGTH_MAX && !name.includes("\0")) return name;
  throw invalid("name", `name must have 1 to ${NAME_LENGTH_MAX} characters.`);
}

function invalid(param: string, problem: string) {
  return userErrors["user.invalid"]({ param, values: { problem } });
}
