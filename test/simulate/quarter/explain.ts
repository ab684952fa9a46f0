/**
 * Explains the books at the end of a quarter, account by account, without reading a posting: from what the channels'
 * simulators know of trades, refunds and transfers, from the rates that were agreed, and from what was done by hand.
 */
import { Client } from "pg";
import { COST_PPM, FEE_PPM } from "../../platform/merchants.ts";
import type { Json } from "../../platform/sandbox-control.ts";
import { add, OWED, readBooks, type Sums, share } from "../books.ts";
import { AGENT_PPM, type Cast, DEPOSIT, type Member } from "./cast.ts";
import type { Acts } from "./days.ts";

interface Explained {
  /** By merchant and account. */
  readonly sums: Sums;
  /** What is wrong besides. */
  readonly wrong: string[];
}

/** Sentences about accounts that are not what they must be; and what the quarter came to. */
export async function explainBooks(
  cast: Cast,
  acts: Acts,
): Promise<{ wrong: string[]; summary: Record<string, bigint> }> {
  const client = new Client({ connectionString: cast.platform.database_url });
  await client.connect();
  try {
    const explained: Explained = { sums: new Map(), wrong: [] };
    for (const member of cast.members) await explainMember(cast, acts, client, member, explained);
    await explainAgents(client, explained);
    const held = await readBooks(client);
    const names = [...new Set([...held.keys(), ...explained.sums.keys()])].sort();
    for (const name of names) {
      const [books, facts] = [held.get(name) ?? 0n, explained.sums.get(name) ?? 0n];
      if (books !== facts)
        explained.wrong.push(`${nameMembers(cast, name)} is ${books} in the books, but ${facts} by what happened`);
    }
    return { wrong: explained.wrong, summary: summarise(held) };
  } finally {
    await client.end();
  }
}

/** The numbers of refunds whose result is not known. */
export async function findOpenRefunds(database_url: string): Promise<string[]> {
  const client = new Client({ connectionString: database_url });
  await client.connect();
  const open = "select refund_no from refunds where status in ('created', 'sent', 'unknown')";
  const { rows } = await client.query<{ refund_no: string }>(open);
  await client.end();
  return rows.map(({ refund_no }) => refund_no);
}

const nameMembers = (cast: Cast, name: string) => {
  const member = cast.members.find(({ merchant_id }) => name.startsWith(merchant_id));
  return member ? name.replace(member.merchant_id, member.name) : name;
};

async function explainMember(
  cast: Cast,
  acts: Acts,
  client: Client,
  member: Member,
  explained: Explained,
): Promise<void> {
  const { merchant_id } = member;
  const book = (account: string, amount: bigint) => add(explained.sums, `${merchant_id} ${account}`, amount);
  const rows = async (sql: string) => (await client.query<Json>(sql, [merchant_id])).rows;
  const refunds = Map.groupBy(
    await rows("select * from refunds where merchant_id = $1"),
    ({ attempt_id }) => attempt_id,
  );
  for (const attempt of await rows("select * from attempts where merchant_id = $1")) {
    const trade = await cast.platform.sandbox.trade(attempt.serial_no).catch(() => undefined);
    if (trade?.paid_at === undefined) continue;
    const given = (refunds.get(attempt.id) ?? []).filter(({ status }) => status === "succeeded");
    explainTrade(cast, member, attempt, trade, given, explained);
  }
  explainPayouts(await rows("select * from payouts where merchant_id = $1"), book);
  const shared = await rows(
    `select (select coalesce(sum(amount), 0) from sharing_parts where merchant_id = $1 and status = 'succeeded')
       - (select coalesce(sum(amount), 0) from sharing_returns where merchant_id = $1 and status = 'succeeded') as amount`,
  );
  const amount = BigInt(shared[0].amount);
  book(OWED, -amount);
  book("interbook", amount);
  if (amount > 0n) {
    add(explained.sums, `${cast.receiver.merchant_id} ${OWED}`, amount);
    add(explained.sums, `${cast.receiver.merchant_id} interbook`, -amount);
  }
  const adjusted = acts.adjusted.get(merchant_id) ?? 0n;
  book(OWED, adjusted);
  book("adjustment_expense", adjusted);
  await explainFees(cast, acts, member, rows, book);
  await explainBank(rows, book, explained.wrong);
}

/** What reconciling has found and booked: which account it moved up, and which down. */
const found: Record<string, readonly [up: string, down: string]> = {
  channel_settled: ["bank", "channel_receivable"],
  channel_fee_adjusted: ["channel_cost", "channel_receivable"],
  difference_suspended: ["reconciliation_suspense", "channel_receivable"],
};

/** What channels have paid out to the platform's bank, and what they took, as their bills say. */
async function explainBank(rows: (sql: string) => Promise<Json[]>, book: Book, wrong: string[]): Promise<void> {
  let suspended = 0n;
  for (const { kind, channel_account_id, amount } of await rows(
    "select * from reconciliation_postings where merchant_id = $1",
  )) {
    const [up, down] = found[kind] ?? [kind, kind];
    const name = (account: string) => (account === "channel_receivable" ? `${account} ${channel_account_id}` : account);
    book(name(up), BigInt(amount));
    book(name(down), -BigInt(amount));
    if (kind === "difference_suspended") suspended += BigInt(amount);
  }
  // The simulated channels make no mistakes: what was late came, and nothing is left to look into.
  if (suspended !== 0n) wrong.push(`${suspended} is still being looked into`);
}

type Book = (account: string, amount: bigint) => void;

/** One paid trade, less what the channel has given back of it. */
function explainTrade(
  cast: Cast,
  member: Member,
  attempt: Json,
  trade: Json,
  refunds: readonly Json[],
  { sums, wrong }: Explained,
): void {
  const book: Book = (account, amount) => add(sums, `${member.merchant_id} ${account}`, amount);
  const paid = BigInt(trade.amount);
  const given = refunds.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
  const theirs = trade.refunds.filter(({ status }: Json) => /^(SUCCESS|done)$/.test(status));
  const told = theirs.reduce((sum: bigint, { amount }: Json) => sum + BigInt(amount), 0n);
  if (given !== told) wrong.push(`${attempt.serial_no} gave ${told} back, ${given} by our refunds`);
  const fee = attempt.duplicate ? 0n : share(paid, FEE_PPM);
  const back = sumParts(refunds, "fee_amount", fee, paid, given, wrong);
  const isPooled = Object.values(cast.pooled.accounts).includes(attempt.channel_account_id);
  if (isPooled) {
    const cost = share(paid, COST_PPM);
    const returned = sumParts(refunds, "cost_amount", cost, paid, given, wrong);
    book(`channel_receivable ${attempt.channel_account_id}`, paid - given - cost + returned);
    book("channel_cost", cost - returned);
    if (!attempt.duplicate) book(OWED, paid - fee - given + back);
  } else {
    book(`direct_collected ${attempt.channel_account_id}`, paid - given);
    if (!attempt.duplicate) {
      book("direct_turnover", paid - given);
      book("service_fee_receivable", fee - back);
    }
  }
  if (attempt.duplicate && given !== paid) wrong.push(`${attempt.serial_no} was paid twice and did not go back`);
  book("fee_income", fee - back);
  if (member.name !== "receiver" && !attempt.duplicate)
    explainCommission(cast, member, paid, fee, back, refunds, { sums, wrong });
}

/**
 * What came back of a fee or cost: what the refunds say, which is in proportion to the amounts, but for a fen for each refund
 * where one failed in between.
 */
function sumParts(
  refunds: readonly Json[],
  part: string,
  whole: bigint,
  paid: bigint,
  given: bigint,
  wrong: string[],
): bigint {
  const sum = refunds.reduce((total, refund) => total + BigInt(refund[part]), 0n);
  const exact = (whole * given) / paid;
  const off = sum > exact ? sum - exact : exact - sum;
  if (sum > whole || off > BigInt(refunds.length))
    wrong.push(`${part}: ${sum} of ${whole} came back, for ${given} of ${paid}`);
  return sum;
}

/** Each level earns what the one below pays less what it pays; it gives back as the fee comes back. */
function explainCommission(
  cast: Cast,
  { merchant_id }: Member,
  paid: bigint,
  fee: bigint,
  back: bigint,
  refunds: readonly Json[],
  { sums, wrong }: Explained,
): void {
  let below = fee;
  for (const level of [2, 1, 0]) {
    const own = share(paid, AGENT_PPM[level]!);
    const pays = [own, below].toSorted((a, b) => (a < b ? -1 : 1))[0]!;
    const agent = cast.agents[level]!;
    const parts = refunds
      .flatMap(({ commissions }) => commissions ?? [])
      .filter(({ agent_id }: Json) => agent_id === agent);
    const returned = parts.reduce((sum: bigint, { amount }: Json) => sum + BigInt(amount), 0n);
    const earned = below - pays;
    const exact = fee === 0n ? 0n : (earned * back) / fee;
    const off = returned > exact ? returned - exact : exact - returned;
    if (returned > earned || off > BigInt(refunds.length)) wrong.push(`commission: ${returned} of ${earned} came back`);
    add(sums, `${merchant_id} commission_expense`, earned - returned);
    add(sums, `${merchant_id} commission_payable ${agent}`, earned - returned);
    below = pays;
  }
}

function explainPayouts(payouts: readonly Json[], book: Book): void {
  for (const { status, transfer_amount, fee_amount, channel_account_id } of payouts) {
    if (status !== "succeeded") continue;
    book(OWED, -BigInt(transfer_amount) - BigInt(fee_amount));
    book("fee_income", BigInt(fee_amount));
    book(`channel_receivable ${channel_account_id}`, -BigInt(transfer_amount));
  }
}

/** Fees of direct mode: owed, paid in advance, paid by bank. */
async function explainFees(
  cast: Cast,
  acts: Acts,
  member: Member,
  rows: (sql: string) => Promise<Json[]>,
  book: Book,
): Promise<void> {
  const deposited = (acts.deposited.get(member.merchant_id) ?? 0n) + (member === cast.direct ? DEPOSIT : 0n);
  const paid = acts.invoices_paid.get(member.merchant_id) ?? 0n;
  const [{ amount }] = (await rows(
    "select coalesce(sum(paid_amount), 0) as amount from service_fee_invoices where merchant_id = $1",
  )) as [Json];
  const deducted = BigInt(amount) - paid;
  book("bank", deposited + paid);
  book("service_fee_prepaid", deposited - deducted);
  book("service_fee_receivable", -paid - deducted);
}

/** What was settled lies in the agents' own books, and is owed to nobody else. */
async function explainAgents(client: Client, { sums }: Explained): Promise<void> {
  const { rows } = await client.query<{ merchant_id: string; agent_id: string; amount: string }>(
    `select p.merchant_id, s.merchant_id as agent_id, p.amount from commission_parts p
     join commission_settlements s on s.id = p.settlement_id`,
  );
  for (const { merchant_id, agent_id, amount } of rows) {
    const settled = BigInt(amount);
    add(sums, `${merchant_id} commission_payable ${agent_id}`, -settled);
    add(sums, `${merchant_id} interbook`, settled);
    add(sums, `${agent_id} ${OWED}`, settled);
    add(sums, `${agent_id} interbook`, -settled);
  }
}

/** What channels owe, what the bank holds, whom we owe what, and what we earned, over all books. */
function summarise(held: Sums): Record<string, bigint> {
  const summary: Record<string, bigint> = {};
  for (const [name, balance] of held) {
    const account = name
      .split(" ")
      .slice(1)
      .join(" ")
      .replace(/ [0-9a-f-]{36}$/, "");
    summary[account] = (summary[account] ?? 0n) + balance;
  }
  return summary;
}
