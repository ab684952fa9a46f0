import { TributaryError } from "../../kit/error.ts";
import { publicId } from "../../kit/id.ts";
import { createUser, type Role, replacePassword } from "../../modules/user/index.ts";
import type { Services } from "../services.ts";
import type { DemoFile, Login } from "./demo-file.ts";

const HOST = "demo.tributary.example";
const NUMBER_LENGTH = 8;

/** People to sign in with: one who runs the platform, and one of the demo merchant. */
export async function makeLogins(
  services: Services,
  merchant_id: string,
): Promise<Pick<DemoFile, "operator" | "merchant">> {
  // A demo file that was lost leaves its merchant behind, with its person: each merchant's has an address of its own.
  const number = publicId("merchant", merchant_id).slice(-NUMBER_LENGTH).toLowerCase();
  return {
    operator: await makeLogin(services, `operator@${HOST}`, "Demo operator", "operator", null),
    merchant: await makeLogin(services, `merchant.${number}@${HOST}`, "Demo merchant", "merchant", merchant_id),
  };
}

async function makeLogin(
  services: Services,
  email: string,
  name: string,
  role: Role,
  merchant_id: string | null,
): Promise<Login> {
  const given = { ...services, sql: services.db };
  const { password } = await createUser(given, { email, name, role, merchant_id }).catch((error: unknown) => {
    if (error instanceof TributaryError && error.code === "user.email_taken") return replacePassword(services, email);
    throw error;
  });
  return { email, password: password.reveal() };
}
