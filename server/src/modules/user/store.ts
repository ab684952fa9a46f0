/** All SQL on users and sessions. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { plainArray } from "../../kit/sql/arrays.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import type { Session, User } from "./user.ts";

const columns = "u.id, u.email, u.name, u.role, u.merchant_id, u.agent_id, u.status, u.created_at";

// People belong to the platform, and who they are is only known after the look-up: none of these can name a merchant.
const insertStatement = platformStatement(
  "user.insert",
  `insert into users (id, email, name, role, merchant_id, password_hash, created_at, agent_id)
   values ($1, $2, $3, $4, $5, $6, $7::timestamptz, $8)`,
);

export async function insertUser(sql: Sql, user: User, password_hash: string): Promise<void> {
  const { id, email, name, role, merchant_id, agent_id, created_at } = user;
  const values = [id, email, name, role, merchant_id, password_hash, toRfc3339(created_at), agent_id];
  await sql.query(insertStatement, values);
}

const selectByEmail = platformStatement(
  "user.select_by_email",
  `select ${columns}, u.password_hash from users u where u.email = $1`,
);

export async function loadUserByEmail(
  sql: Sql,
  email: string,
): Promise<(User & { password_hash: string }) | undefined> {
  const [user] = await sql.query<User & { password_hash: string }>(selectByEmail, [email]);
  return user;
}

const listStatement = platformStatement("user.list", `select ${columns} from users u order by u.email limit $1`);

export async function selectUsers(sql: Sql, limit: number): Promise<User[]> {
  return sql.query<User>(listStatement, [limit]);
}

const selectByIds = platformStatement(
  "user.select_by_ids",
  `select ${columns} from users u where u.id = any ($1::uuid[])`,
);

/** Users by their ids; who does not exist is left out. */
export async function loadUsers(sql: Sql, ids: readonly string[]): Promise<Map<string, User>> {
  if (ids.length === 0) return new Map();
  const users = await sql.query<User>(selectByIds, [plainArray([...new Set(ids)])]);
  return new Map(users.map((user) => [user.id, user]));
}

const pageStatements = (["desc", "asc"] as const).map((order) =>
  platformStatement(
    `user.page_${order}`,
    `select ${columns} from users u
     where ($1::text is null or u.role = $1) and ($2::uuid is null or u.merchant_id = $2)
       and ($3::uuid is null or u.id < $3) and ($4::uuid is null or u.id > $4) order by u.id ${order} limit $5`,
  ),
);

export interface UserFilter {
  readonly role: User["role"] | null;
  readonly merchant_id: string | null;
}

/** Users in the page's order. */
export async function pageUsers(
  sql: Sql,
  { role, merchant_id }: UserFilter,
  page: Pick<Page, "older_than" | "newer_than" | "order" | "fetch">,
): Promise<User[]> {
  const [newestFirst, oldestFirst] = pageStatements;
  const values = [role, merchant_id, page.older_than, page.newer_than, page.fetch];
  return sql.query<User>(page.order === "desc" ? newestFirst! : oldestFirst!, values);
}

const updatePassword = platformStatement(
  "user.update_password",
  `update users u set password_hash = $2 where u.email = $1 returning ${columns}`,
);

export async function savePassword(sql: Sql, email: string, password_hash: string): Promise<User | undefined> {
  const [user] = await sql.query<User>(updatePassword, [email, password_hash]);
  return user;
}

const updateStatus = platformStatement(
  "user.update_status",
  `update users u set status = $2 where u.email = $1 returning ${columns}`,
);

export async function saveStatus(sql: Sql, email: string, status: User["status"]): Promise<User | undefined> {
  const [user] = await sql.query<User>(updateStatus, [email, status]);
  return user;
}

// Holds the user, so that a password that changes meanwhile ends this session too.
const insertSessionStatement = platformStatement(
  "session.insert",
  `insert into sessions (token_hash, user_id, created_at, expires_at)
   select $1, u.id, $3::timestamptz, $4::timestamptz from users u
   where u.id = $2 and u.password_hash = $5 and u.status = 'active' for share
   returning user_id`,
);

/** False when the user was disabled or given another password since it was loaded. */
export async function insertSession(
  sql: Sql,
  session: { token_hash: Buffer; user_id: string; password_hash: string; created_at: number; expires_at: number },
): Promise<boolean> {
  const { token_hash, user_id, password_hash, created_at, expires_at } = session;
  const values = [token_hash, user_id, toRfc3339(created_at), toRfc3339(expires_at), password_hash];
  return (await sql.query(insertSessionStatement, values)).length === 1;
}

const selectSession = platformStatement(
  "session.select",
  `select ${columns}, s.expires_at from sessions s join users u on u.id = s.user_id
   where s.token_hash = $1 and s.expires_at > $2::timestamptz and u.status = 'active'`,
);

export async function loadSession(sql: Sql, token_hash: Buffer, now: number): Promise<Session | undefined> {
  const [row] = await sql.query<User & { expires_at: number }>(selectSession, [token_hash, toRfc3339(now)]);
  if (!row) return undefined;
  const { expires_at, ...user } = row;
  return { user, expires_at };
}

const deleteStatement = platformStatement("session.delete", "delete from sessions where token_hash = $1");

export async function deleteSession(sql: Sql, token_hash: Buffer): Promise<void> {
  await sql.query(deleteStatement, [token_hash]);
}

const deleteAllStatement = platformStatement(
  "session.delete_all",
  "delete from sessions where user_id = $1 and ($2::timestamptz is null or expires_at <= $2::timestamptz)",
);

/** Ends all sessions of a user, or only those that were over at `over_at`. */
export async function deleteSessions(sql: Sql, user_id: string, over_at?: number): Promise<void> {
  await sql.query(deleteAllStatement, [user_id, over_at === undefined ? null : toRfc3339(over_at)]);
}
