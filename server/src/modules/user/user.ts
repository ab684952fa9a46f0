/** Who signs in. */
export const roles = ["operator", "merchant"] as const;

export type Role =
  /** Runs the platform. */
  | "operator"
  /** Works for one merchant. */
  | "merchant";

export interface User {
  /** UUID. */
  readonly id: string;
  /** In lower case. */
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  /** Null for operators. */
  readonly merchant_id: string | null;
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
