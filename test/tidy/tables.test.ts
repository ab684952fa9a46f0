// Guarantee: a table has one owner. Only the owner's store writes and reads it; only named readers look across.
import { describe, expect, test } from "vitest";
import { listFiles, type Node, placeOf, readSources, readText, walk } from "./source.ts";

/** Who owns each table and view: a module, or the ledger. */
const owners: Readonly<Record<string, string>> = {
  merchants: "merchant",
  apps: "merchant",
  agents: "agent",
  agent_prices: "agent",
  agent_bindings: "agent",
  commission_settlements: "commission",
  commission_parts: "commission",
  commission_lines: "commission",
  api_keys: "identity",
  users: "user",
  sessions: "user",
  approvals: "approval",
  approval_policies: "approval",
  operator_actions: "operator",
  account_controls: "account-operation",
  account_operations: "account-operation",
  channel_accounts: "channel-account",
  channel_bindings: "channel-account",
  channel_account_versions: "channel-account",
  channel_account_warnings: "channel-account",
  fee_rules: "fee",
  channel_cost_rules: "fee",
  fee_quota_usage: "fee",
  service_fee_settings: "service-fee",
  service_fee_invoices: "service-fee",
  service_fee_payments: "service-fee",
  service_fee_deposits: "service-fee",
  routing_rules: "routing",
  routing_limits: "routing",
  routing_usage: "routing",
  routing_payers: "routing",
  ledger_books: "ledger",
  ledger_accounts: "ledger",
  ledger_transactions: "ledger",
  ledger_entries: "ledger",
  ledger_balances: "ledger",
  ledger_verifications: "ledger",
  ledger_verified_books: "ledger",
  ledger_closes: "daily-close",
  ledger_signing_keys: "daily-close",
  payments: "payment",
  attempts: "payment",
  refunds: "refund",
  disputes: "dispute",
  bank_transfers: "bank-transfer",
  settlement_settings: "settlement",
  settlements: "settlement",
  settlement_calendar_years: "settlement",
  reserve_settings: "reserve",
  reserves: "reserve",
  reserve_releases: "reserve",
  reserve_draws: "reserve",
  beneficiary_keys: "beneficiary",
  beneficiary_settings: "beneficiary",
  beneficiaries: "beneficiary",
  beneficiary_versions: "beneficiary",
  beneficiary_changes: "beneficiary",
  payout_settings: "payout",
  payout_automatic: "payout",
  payout_costs: "payout",
  payout_batches: "payout",
  payout_batch_lines: "payout",
  payout_bank_files: "payout",
  payouts: "payout",
  sharing_receivers: "sharing",
  sharing_bindings: "sharing",
  sharing_groups: "sharing",
  sharing_rules: "sharing",
  sharing_settings: "sharing",
  sharing_agreements: "sharing",
  sharing_orders: "sharing",
  sharing_parts: "sharing",
  sharing_returns: "sharing",
  sharing_releases: "sharing",
  ledger_channel_movements: "ledger",
  reconciliation_rules: "reconciliation",
  reconciliation_days: "reconciliation",
  reconciliation_bills: "reconciliation",
  reconciliation_lines: "reconciliation",
  reconciliation_rejected_lines: "reconciliation",
  reconciliation_positions: "reconciliation",
  reconciliation_differences: "reconciliation",
  reconciliation_closings: "reconciliation",
  reconciliation_postings: "reconciliation",
  reconciliation_cases: "reconciliation",
  reconciliation_case_comments: "reconciliation",
  idempotency_keys: "idempotency",
  events: "webhook",
  webhook_endpoints: "webhook",
  webhook_deliveries: "webhook",
  worker_heartbeats: "main",
  // Made and kept by main/migrate.ts.
  migrations: "main",
};

/** Who may read what others own, and why. */
const readers: readonly { readonly who: RegExp; readonly tables: readonly string[]; readonly why: string }[] = [
  {
    who: /^server\/src\/ledger\/verify/,
    tables: [
      "account_operations",
      "payments",
      "attempts",
      "refunds",
      "settlements",
      "payouts",
      "reserves",
      "reserve_releases",
      "reserve_draws",
      "fee_quota_usage",
      "commission_settlements",
      "commission_parts",
      "commission_lines",
      "sharing_parts",
      "sharing_orders",
      "sharing_returns",
      "reconciliation_postings",
      "service_fee_invoices",
      "service_fee_payments",
      "service_fee_deposits",
    ],
    why: "compares books and facts",
  },
  {
    who: /^server\/src\/modules\/reconciliation\/match-\w+-store\.ts$/,
    tables: [
      "ledger_accounts",
      "ledger_books",
      "ledger_channel_movements",
      "ledger_transactions",
      "attempts",
      "refunds",
      "channel_bindings",
    ],
    why: "joins a bill's lines with what they are about, a million at a time",
  },
];

const tables = Object.keys(owners);
const sources = readSources("server/src/").filter(({ isTest }) => !isTest);

/** The module of a file, `ledger`, or `main`. */
function ownerOf(path: string): string {
  return /^server\/src\/modules\/([^/]+)\//.exec(path)?.[1] ?? /^server\/src\/([^/]+)\//.exec(path)?.[1] ?? "";
}

const writing = /\b(?:insert\s+into|update|delete\s+from|truncate(?:\s+table)?|merge\s+into)\s+(?:only\s+)?(\w+)/gi;
const reading = /\b(?:from|join|using)\s+(?:only\s+|lateral\s+)?(\w+)/gi;

/** Tables that a piece of SQL writes or reads. */
function namedTables(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1]!.toLowerCase()).filter((name) => tables.includes(name));
}

/** Pieces of SQL in the code: strings and templates, their holes left out. */
function findSql(): { place: string; path: string; text: string }[] {
  return sources.flatMap((source) => {
    const found: { place: string; path: string; text: string }[] = [];
    walk(source.program, (node: Node) => {
      const text =
        node.type === "TemplateLiteral"
          ? node.quasis.map((quasi: Node) => quasi.value.cooked).join(" ")
          : node.type === "Literal" && typeof node.value === "string"
            ? node.value
            : "";
      if (/\b(select|insert|update|delete|from|join)\s/i.test(text)) {
        found.push({ place: placeOf(source, node), path: source.path, text });
      }
    });
    return found;
  });
}

const statements = findSql();

describe("a table", () => {
  test("has an owner, and each owner's table exists", () => {
    const sql = listFiles("server/migrations").map(readText).join("\n");
    const made = [...sql.matchAll(/create\s+(?:table|view)\s+(\w+)/gi)].map((match) => match[1]!);
    expect(
      made.filter((table) => !tables.includes(table)),
      "name their owner in this file",
    ).toEqual([]);
    const gone = tables.filter((table) => !made.includes(table) && owners[table] !== "main");
    expect(gone, "no migration makes these any more").toEqual([]);
  });

  test("is written only by its owner", () => {
    const wrong = statements.flatMap(({ place, path, text }) =>
      namedTables(text, writing)
        .filter((table) => owners[table] !== ownerOf(path))
        .map((table) => `${place} writes ${table}: ask ${owners[table]} through its index.ts`),
    );
    expect(wrong).toEqual([]);
  });

  test("is read only by its owner and by named readers", () => {
    const wrong = statements.flatMap(({ place, path, text }) =>
      namedTables(text, reading)
        .filter((table) => owners[table] !== ownerOf(path))
        .filter((table) => !readers.some((reader) => reader.who.test(path) && reader.tables.includes(table)))
        .map((table) => `${place} reads ${table}: ask ${owners[table]} through its index.ts`),
    );
    expect(wrong).toEqual([]);
  });
});

describe("a statement", () => {
  const declarations = sources.flatMap((source) => {
    const found: { place: string; path: string; kind: string; name: string | undefined }[] = [];
    walk(source.program, (node) => {
      const kind = node.type === "CallExpression" ? node.callee.name : undefined;
      if (kind !== "tenantStatement" && kind !== "platformStatement") return;
      const [name] = node.arguments as Node[];
      found.push({ place: placeOf(source, node), path: source.path, kind, name: name?.value });
    });
    return found;
  });

  test("is declared in a store", () => {
    const store = /\/(\w+-)*store\.ts$/;
    const wrong = declarations.filter(({ path }) => path.startsWith("server/src/modules/") && !store.test(path));
    expect(wrong.map(({ place }) => `${place}: a module's SQL is in its store.ts`)).toEqual([]);
  });

  test("has a name of its own: two texts under one name fail on a prepared connection", () => {
    const names = declarations.flatMap(({ name }) => (name === undefined ? [] : [name]));
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});

test("every table that a merchant owns is led by merchant_id", () => {
  const platform = [
    "merchants",
    "agents",
    "agent_prices",
    "users",
    "ledger_signing_keys",
    "sessions",
    "approvals",
    "approval_policies",
    "operator_actions",
    "channel_accounts",
    "channel_account_versions",
    "channel_account_warnings",
    "bank_transfers",
    "beneficiary_keys",
    "payout_costs",
    "payout_bank_files",
    "channel_cost_rules",
    "settlement_calendar_years",
    "ledger_verifications",
    "sharing_agreements",
    "reconciliation_rules",
    "reconciliation_days",
    "reconciliation_bills",
    "reconciliation_lines",
    "reconciliation_rejected_lines",
    "reconciliation_differences",
    "reconciliation_closings",
    "reconciliation_cases",
    "reconciliation_case_comments",
    "worker_heartbeats",
    "migrations",
  ];
  const sql = listFiles("server/migrations").map(readText).join("\n");
  const wrong = [...sql.matchAll(/create\s+table\s+(\w+)\s*\(([\s\S]*?)\n\)/gi)]
    .filter(([, table]) => !platform.includes(table!))
    .filter(([, , body]) => !/primary key \(merchant_id\b/.test(body!) || /\bunique \((?!merchant_id\b)/.test(body!))
    .map(([, table]) => `${table}: merchant_id leads the primary key and every unique constraint`);
  expect(wrong).toEqual([]);
});
