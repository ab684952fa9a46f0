/** Signing in and out, and who is signed in. */
import type { IncomingHttpHeaders } from "node:http";
import type { Clock } from "../../kit/clock.ts";
import { sha256 } from "../../kit/crypto.ts";
import { createRateLimiter, rateLimited } from "../../kit/http/rate-limit.ts";
import { type Random, randomToken } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import type { Database, Sql } from "../../kit/sql/database.ts";
import { userErrors } from "./errors.ts";
import { hashPassword, verifyPassword } from "./password.ts";
import { deleteSession, deleteSessions, insertSession, loadSession, loadUserByEmail } from "./store.ts";
import type { Session } from "./user.ts";

const SESSION_MS = 12 * 3_600_000;
const TOKEN_LENGTH = 32;
const TOKEN = /^ses_[0-9A-Za-z]{32}$/;
const WRONG_BY_EMAIL = { per_second: 1 / 30, burst: 5 };
const WRONG_BY_ADDRESS = { per_second: 1 / 10, burst: 20 };

export interface SignInServices {
  db: Database;
  clock: Clock;
  random: Random;
}

/** What a person types, and where from. */
export interface Credentials {
  readonly email: string;
  readonly password: Secret;
  readonly address: string;
}

/** The token is in the answer and nowhere else. */
export interface SignedIn extends Session {
  readonly token: Secret;
}

/**
 * One per process: gives a function that signs a person in for 12 hours. A wrong password counts against the email and
 * the address; before five of one email, or twenty of one address, nobody waits.
 * It throws user.credentials_wrong and request.rate_limited.
 */
export function createSignIn({ db, clock, random }: SignInServices): (given: Credentials) => Promise<SignedIn> {
  const byEmail = createRateLimiter(clock, WRONG_BY_EMAIL);
  const byAddress = createRateLimiter(clock, WRONG_BY_ADDRESS);
  // Whoever asks for an email that nobody has waits for a hash all the same.
  const nobody = hashPassword(new Secret(randomToken(random, TOKEN_LENGTH)), random);
  nobody.catch(() => undefined);
  return async ({ email: typed, password, address }) => {
    const email = typed.trim().toLowerCase();
    const wait_ms = Math.max(byEmail.peek(email), byAddress.peek(address));
    if (wait_ms > 0) throw rateLimited(wait_ms);
    const user = await loadUserByEmail(db, email);
    const right = await verifyPassword(password, user?.password_hash ?? (await nobody));
    const begun = user && right ? await begin(db, clock, random, user) : undefined;
    if (begun) return begun;
    byEmail.take(email);
    byAddress.take(address);
    throw userErrors["user.credentials_wrong"]();
  };
}

/** Undefined when the user is disabled, or has another password by now. */
async function begin(
  db: Database,
  clock: Clock,
  random: Random,
  { password_hash, ...user }: Session["user"] & { password_hash: string },
): Promise<SignedIn | undefined> {
  const token = new Secret(`ses_${randomToken(random, TOKEN_LENGTH)}`);
  const created_at = clock.now();
  const expires_at = created_at + SESSION_MS;
  const session = { token_hash: sha256(token.reveal()), user_id: user.id, password_hash, created_at, expires_at };
  const begun = await db.transaction(async (tx) => {
    await deleteSessions(tx, user.id, created_at);
    return insertSession(tx, session);
  });
  return begun ? { user, expires_at, token } : undefined;
}

/**
 * Who is signed in with this token.
 * @throws user.not_signed_in
 */
export async function requireSession(sql: Sql, clock: Clock, token: string | undefined): Promise<Session> {
  const session =
    token !== undefined && TOKEN.test(token) ? await loadSession(sql, sha256(token), clock.now()) : undefined;
  if (!session) throw userErrors["user.not_signed_in"]();
  return session;
}

const COOKIE = /(?:^|;\s*)tributary_session=([^;]*)/;
const BEARER = /^Bearer (ses_\w+)$/;

/** A session's token, and how it came: a browser sends the cookie by itself, a header only who means it. */
export interface SessionToken {
  readonly token: string;
  readonly by: "cookie" | "header";
}

/** The token that a request carries, or undefined. Whether it is of any session is not asked here. */
export function readSessionToken(headers: IncomingHttpHeaders): SessionToken | undefined {
  const given = headers.authorization === undefined ? undefined : BEARER.exec(headers.authorization)?.[1];
  if (given !== undefined) return { token: given, by: "header" };
  const token = headers.cookie === undefined ? undefined : COOKIE.exec(headers.cookie)?.[1];
  return token === undefined ? undefined : { token, by: "cookie" };
}

/** Ends a session; one that is over stays so. */
export async function signOut(sql: Sql, token: string): Promise<void> {
  if (TOKEN.test(token)) await deleteSession(sql, sha256(token));
}
