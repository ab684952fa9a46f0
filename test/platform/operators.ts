/** Operators of a platform in tests: made, signed in, and calling `/operator/v1`. */
import { createUser } from "../../server/src/modules/user/index.ts";
import type { Answer, Platform } from "./platform.ts";
import type { Json } from "./sandbox-control.ts";

export interface TestOperator {
  readonly email: string;
  /** UUID. */
  readonly user_id: string;
  /** Calls a path under `/operator/v1`; the token is sent as Bearer. */
  call(method: "GET" | "POST", path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** The same, and expects success; gives the object. */
  post(path: string, body?: object): Promise<Json>;
  get(path: string): Promise<Json>;
}

/** Makes an operator and signs in. */
export async function createOperator(platform: Platform, name: string): Promise<TestOperator> {
  const { services } = platform;
  const input = { email: `${name}@operators.example`, name, role: "operator", merchant_id: null } as const;
  const { user, password } = await createUser({ ...services, sql: services.db }, input);
  const credentials = { email: user.email, password: password.reveal() };
  const signIn = async () => {
    const { headers } = await platform.call("POST", "/console/session", credentials, { key: null });
    return /ses_\w+/.exec(String(headers["set-cookie"]))![0];
  };
  let token = await signIn();
  const call: TestOperator["call"] = async (method, path, body, more = {}) => {
    const answer = await platform.call(method, `/operator/v1${path}`, body, { key: token, headers: more });
    if (answer.status !== 401) return answer;
    // A test has moved the clock past the session's end.
    token = await signIn();
    return platform.call(method, `/operator/v1${path}`, body, { key: token, headers: more });
  };
  const succeed = async (method: "GET" | "POST", path: string, body?: object) => {
    const answer = await call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  };
  return {
    ...{ email: user.email, user_id: user.id, call },
    post: (path, body = {}) => succeed("POST", path, body),
    get: (path) => succeed("GET", path),
  };
}
