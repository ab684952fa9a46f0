/** `tributary user …`: people who sign in to the consoles. A password is printed when it is made and never again. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import {
  createUser,
  listUsers,
  type Role,
  replacePassword,
  roles,
  setUserStatus,
  type User,
} from "../../modules/user/index.ts";
import type { Command } from "../command.ts";
import { StartError } from "../start-error.ts";
import { type Action, actionCommand, readId, requireText, textOption, type WithServices } from "./administration.ts";

const LIST_MAX = 1_000;

function showUser(user: User) {
  const { id, email, name, role, merchant_id, agent_id, status, created_at } = user;
  const merchant = merchant_id === null ? null : publicId("merchant", merchant_id);
  const agent = agent_id === null ? null : publicId("agent", agent_id);
  return { id: publicId("user", id), email, name, role, merchant, agent, status, created_at: toRfc3339(created_at) };
}

function readRole(text: string): Role {
  const role = roles.find((candidate) => candidate === text);
  if (role !== undefined) return role;
  throw new StartError(`--role is "${text}": give one of ${roles.join(", ")}.`);
}

function requireEmail(text: string | undefined): string {
  if (text === undefined) throw new StartError("Say whose: the email follows the action.");
  return text;
}

function changeUser(status: User["status"]): Action {
  return async ({ db }, [email]) => showUser(await setUserStatus(db, requireEmail(email), status));
}

const actions: Record<string, Action> = {
  async create(services, _args, options) {
    const [merchant, agent] = [textOption(options, "merchant"), textOption(options, "agent")];
    const { user, password } = await createUser(
      { ...services, sql: services.db },
      {
        email: requireText(options, "email"),
        name: requireText(options, "name"),
        role: readRole(requireText(options, "role")),
        merchant_id: merchant === undefined ? null : readId("merchant", merchant),
        agent_id: agent === undefined ? null : readId("agent", agent),
      },
    );
    return { ...showUser(user), password: password.reveal() };
  },
  list: async ({ db }) => (await listUsers(db, LIST_MAX)).map(showUser),
  async "new-password"(services, [email]) {
    const { user, password } = await replacePassword(services, requireEmail(email));
    return { ...showUser(user), password: password.reveal() };
  },
  disable: changeUser("disabled"),
  enable: changeUser("active"),
};

export function userCommand(withServices: WithServices): Command {
  return actionCommand(withServices, {
    usage: "user <action> [email]",
    summary: "create, list, disable or enable people who sign in; new-password",
    options: [
      { flags: "--email <address>", description: "create: with it the person signs in" },
      { flags: "--name <name>", description: "create: the person's name" },
      { flags: "--role <role>", description: `create: ${roles.join(" or ")}` },
      { flags: "--merchant <id>", description: "create: the merchant whose person it is" },
      { flags: "--agent <id>", description: "create: the agent whose person it is" },
    ],
    actions,
  });
}
