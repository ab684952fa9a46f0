import { Client } from "pg";
import { StartError } from "./start-error.ts";

/** The oldest PostgreSQL that the SQL of this project keeps to. */
const oldestMajor = 15;

/** What PostgreSQL and the network say, as what the operator should do. Codes: PostgreSQL appendix A, and errno. */
const sentences: Readonly<Record<string, (where: string, user: string, name: string) => string>> = {
  "28P01": (where, user) => `The database at ${where} refuses the password of user "${user}": correct DATABASE_URL.`,
  "28000": (where, user) => `The database at ${where} refuses user "${user}": correct DATABASE_URL or its pg_hba.conf.`,
  "3D000": (where, _user, name) =>
    `The server at ${where} has no database "${name}": create it (createdb ${name}) or correct DATABASE_URL.`,
  "42501": (where, user, name) => `User "${user}" may not use database "${name}" at ${where}: grant it CONNECT.`,
  "53300": (where) => `The database at ${where} has no connection left: raise max_connections or stop other clients.`,
  "57P03": (where) => `The database at ${where} is starting up or shutting down: try again in a moment.`,
  ENOTFOUND: (where) => `The database host in DATABASE_URL (${where}) is unknown: correct its name.`,
  EAI_AGAIN: (where) => `The database host in DATABASE_URL (${where}) cannot be looked up: check the name or the DNS.`,
};

/**
 * Connects once to the server that `DATABASE_URL` names and checks that it is new enough.
 * Returns its version (`"18.4"`). Throws `StartError`, whose sentence never holds the password.
 */
export async function checkDatabase(url: string): Promise<{ version: string }> {
  const { where, user, name } = describe(url);
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on("error", () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ server_version: string; server_version_num: string }>(
      "SELECT current_setting('server_version') AS server_version, current_setting('server_version_num') AS server_version_num",
    );
    const { server_version, server_version_num } = rows[0]!;
    if (Number(server_version_num) < oldestMajor * 10_000) {
      throw new StartError(
        `The database at ${where} is PostgreSQL ${server_version}, and Tributary needs ${oldestMajor} or later.`,
      );
    }
    return { version: server_version.split(" ")[0]! };
  } catch (error) {
    if (error instanceof StartError) throw error;
    const { code, message } = error as { code?: string; message?: string };
    const sentence = code === undefined ? undefined : sentences[code];
    throw new StartError(
      sentence?.(where, user, name) ??
        `The database at ${where} cannot be reached (${code ?? message ?? "no reason given"}): start it or correct DATABASE_URL.`,
    );
  } finally {
    await client.end().catch(() => {});
  }
}

function describe(url: string): { where: string; user: string; name: string } {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    throw new StartError(
      "DATABASE_URL is not an address like postgres://user:password@host:5432/database: correct it.",
    );
  }
  const where = parsed.host === "" ? (parsed.searchParams.get("host") ?? "localhost") : parsed.host;
  const user = decodeURIComponent(parsed.username);
  return { where, user, name: decodeURIComponent(parsed.pathname.slice(1)) || user };
}
