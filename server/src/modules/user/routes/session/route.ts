import { Type } from "typebox";
import { toRfc3339 } from "../../../../kit/clock.ts";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { addressKey } from "../../../../kit/http/rate-limit.ts";
import { publicId } from "../../../../kit/id.ts";
import { Secret } from "../../../../kit/secret.ts";
import { createSignIn, readSessionToken, requireSession, type SignInServices, signOut } from "../../sign-in.ts";
import type { Session } from "../../user.ts";

const COOKIE = "tributary_session";

const SignInBody = Type.Object({
  email: Type.String({ minLength: 3, maxLength: 254 }),
  password: Type.String({ minLength: 1, maxLength: 200 }),
});

/**
 * `POST /console/session` signs in, `GET` says who is signed in, `DELETE` signs out. The token travels in a cookie that no
 * script can read and that no other site's request carries; over https it stays on https.
 */
export function registerSessionRoutes(server: ApiServer, services: SignInServices & { public_url: string }): void {
  const { db, clock } = services;
  const signIn = createSignIn(services);
  const attributes = `Path=/; HttpOnly; SameSite=Strict${services.public_url.startsWith("https:") ? "; Secure" : ""}`;
  const hide = true;

  server.post("/console/session", { schema: { hide, body: SignInBody } }, async (request, reply) => {
    const { email, password } = request.body;
    const address = addressKey(request.ip);
    const { token, ...session } = await signIn({ email, password: new Secret(password), address });
    const seconds = Math.floor((session.expires_at - clock.now()) / 1_000);
    reply.header("set-cookie", `${COOKIE}=${token.reveal()}; Max-Age=${seconds}; ${attributes}`);
    return reply.code(201).send(presentSession(session));
  });

  server.get("/console/session", { schema: { hide } }, async (request) =>
    presentSession(await requireSession(db, clock, readSessionToken(request.headers)?.token)),
  );

  server.delete("/console/session", { schema: { hide } }, async (request, reply) => {
    const session = readSessionToken(request.headers);
    if (session !== undefined) await signOut(db, session.token);
    return reply.header("set-cookie", `${COOKIE}=; Max-Age=0; ${attributes}`).code(204).send();
  });
}

function presentSession({ user, expires_at }: Session) {
  const { id, email, name, role, merchant_id, agent_id } = user;
  return {
    object: "session" as const,
    expires_at: toRfc3339(expires_at),
    user: {
      id: publicId("user", id),
      object: "user" as const,
      email,
      name,
      role,
      merchant: merchant_id === null ? null : publicId("merchant", merchant_id),
      agent: agent_id === null ? null : publicId("agent", agent_id),
    },
  };
}
