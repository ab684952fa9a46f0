/** What an operator does to an account. Pure. Amounts in minor units, instants in epoch milliseconds. */
import type { Transitions } from "../../kit/state-machine.ts";
import type { DrawableAccount, TransactionKind } from "../../ledger/index.ts";
import type { AccountKey, Controls } from "./control.ts";

export const operationTypes = [
  /** 开户: takes money; also again after it was closed. */
  "open",
  /** 止收、止付、全额冻结, by its scope. */
  "freeze",
  /** 解冻: lifts what freezes of that scope have put. */
  "unfreeze",
  /** 冻结金额. */
  "freeze_amount",
  /** 解冻金额, in part or whole. */
  "release_amount",
  /** 销户: at zero only. */
  "close",
  /** 人工调账. */
  "adjust",
  /** 冲正: takes a transaction back. */
  "reverse",
] as const;
export type OperationType = (typeof operationTypes)[number];

export const scopes = ["credit", "debit", "all"] as const;
export type Scope = (typeof scopes)[number];

export const transitions = {
  /** Asked for; a checker decides. */
  pending: ["done", "declined"],
  done: [],
  /** Rejected, cancelled or expired. */
  declined: [],
} as const satisfies Transitions<string>;
export type OperationStatus = keyof typeof transitions;

/** An account at a moment; amounts by the names that merchants see. */
export interface Snapshot extends Controls {
  readonly balances: Readonly<Record<string, number>>;
}

export interface Operation extends AccountKey {
  /** UUID. */
  readonly id: string;
  readonly type: OperationType;
  readonly scope: Scope | null;
  /** Freeze: refunds too. */
  readonly include_refunds: boolean;
  readonly account: DrawableAccount | null;
  readonly direction: "credit" | "debit" | null;
  readonly amount: bigint | null;
  /** Freeze_amount: how much of it was released. */
  readonly released: bigint;
  /** Release_amount: of which operation. */
  readonly freeze_id: string | null;
  /** Reverse: the number of the transaction in its book. */
  readonly reversed_number: bigint | null;
  readonly reason: string;
  readonly status: OperationStatus;
  readonly approval_id: string | null;
  /** The transaction that books it. */
  readonly number: bigint | null;
  readonly before: Snapshot | null;
  readonly after: Snapshot | null;
  readonly created_at: number;
  readonly done_at: number | null;
}

/** What is asked for. Which of the optional fields a type takes is in `fieldsOf`. */
export interface OperationInput extends AccountKey {
  readonly type: OperationType;
  readonly reason: string;
  readonly scope?: Scope | undefined;
  readonly include_refunds?: boolean | undefined;
  readonly account?: DrawableAccount | undefined;
  readonly direction?: "credit" | "debit" | undefined;
  /** Release_amount: all that is left unless given. */
  readonly amount?: bigint | undefined;
  /** UUID. */
  readonly freeze_id?: string | undefined;
  readonly reversed_number?: bigint | undefined;
}

type Field = "scope" | "include_refunds" | "account" | "direction" | "amount" | "freeze_id" | "reversed_number";

/** What each type needs, and may have besides. */
export const fieldsOf: Readonly<Record<OperationType, { needs: readonly Field[]; takes: readonly Field[] }>> = {
  open: { needs: [], takes: [] },
  freeze: { needs: ["scope"], takes: ["include_refunds"] },
  unfreeze: { needs: ["scope"], takes: [] },
  freeze_amount: { needs: ["account", "amount"], takes: [] },
  release_amount: { needs: ["freeze_id"], takes: ["amount"] },
  close: { needs: [], takes: [] },
  adjust: { needs: ["account", "direction", "amount"], takes: [] },
  reverse: { needs: ["reversed_number"], takes: [] },
};

/** What is wrong with the fields of an input, or undefined. */
export function findFieldProblem(input: OperationInput): { param: Field; problem: string } | undefined {
  const { needs, takes } = fieldsOf[input.type];
  const missing = needs.find((field) => input[field] === undefined);
  if (missing !== undefined) return { param: missing, problem: `${input.type} needs ${nameOf(missing)}.` };
  const all: readonly Field[] = [...needs, ...takes];
  const superfluous = (Object.keys(fieldNames) as Field[]).find(
    (field) => input[field] !== undefined && !all.includes(field),
  );
  if (superfluous !== undefined) {
    return { param: superfluous, problem: `${input.type} takes no ${nameOf(superfluous)}.` };
  }
  if (input.include_refunds === true && input.scope === "credit") {
    return { param: "include_refunds", problem: "Refunds go out: freeze debit or all to stop them too." };
  }
  if (input.amount !== undefined && input.amount <= 0n)
    return { param: "amount", problem: "amount must be above zero." };
  return undefined;
}

const fieldNames: Readonly<Record<Field, string>> = {
  scope: "scope",
  include_refunds: "include_refunds",
  account: "account",
  direction: "direction",
  amount: "amount",
  freeze_id: "freeze",
  reversed_number: "transaction",
};
const nameOf = (field: Field) => fieldNames[field];

/** What an operation makes of the controls; undefined where it changes nothing, or is not about them. */
export function changeControls(controls: Controls, operation: Pick<Operation, "type" | "scope" | "include_refunds">) {
  const { type, scope, include_refunds } = operation;
  const frozen = type === "freeze";
  const wanted: Controls =
    type === "open"
      ? { ...controls, status: "open" }
      : type === "close"
        ? { ...controls, status: "closed" }
        : {
            ...controls,
            ...(scope !== "debit" && { credit_frozen: frozen }),
            // A freeze opens nothing that an earlier one has stopped: only an unfreeze does.
            ...(scope !== "credit" && {
              debit_frozen: frozen,
              refunds_frozen: frozen && (include_refunds || controls.refunds_frozen),
            }),
          };
  const keys = ["status", "credit_frozen", "debit_frozen", "refunds_frozen"] as const;
  return keys.some((key) => wanted[key] !== controls[key]) ? wanted : undefined;
}

/**
 * Which transactions an operator may take back. What is on its way (a refund, a payout) ends by itself and would end twice;
 * what was frozen is released; a settlement is made good by the next one.
 */
export const reversible: ReadonlySet<TransactionKind> = new Set(["payment_succeeded", "adjustment_made"]);
