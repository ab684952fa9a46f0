/** Who signs in. */
export const roles = ["operator", "merchant", "agent"] as const;

export type Role =
  /** Runs the platform. */
  | "operator"
  /** Works for one merchant. */
  | "merchant"
  /** Works for one agent, and sees its subtree. */
  | "agent";

export interface User {
  /** UUID. */
  readonly id: string;
  /** In lower case. */
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  /** Of a merchant's person. */
  readonly merchant_id: string | null;
  /** Of an agent's person. */
  readonly agent_id: string | null;
  readonly status: "active" | "disabled";
  /** Epoch milliseconds. */
  readonly created_at: number;
}

/** A person who is signed in, and until when. */
export interface Session {
  readonly user: User;
  /** Epoch milliseconds. */
  readonly expires_at: number;
}
