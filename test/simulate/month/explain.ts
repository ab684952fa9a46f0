/** What the books, the days and the statements of a month must be, by what happened and what was planted. */
import { Client } from "pg";
import { publicId } from "../../../server/src/kit/id.ts";
import { addDays } from "../../../server/src/kit/local-day.ts";
import { getBalances } from "../../../server/src/ledger/index.ts";
import { isShown, shownAccounts } from "../../../server/src/modules/balance/index.ts";
import type { Json } from "../../platform/sandbox-control.ts";
import { add, OWED, readBooks, type Sums } from "../books.ts";
import type { Account, Cast, Shop } from "./cast.ts";
import type { Movement } from "./days.ts";
import type { Finding } from "./plants.ts";

/** Sentences about accounts of the books that are not what they must be. */
export async function explainBooks(
  cast: Cast,
  movements: readonly Movement[],
  findings: readonly Finding[],
): Promise<string[]> {
  const sums: Sums = new Map();
  for (const movement of movements) explainMovement(movement, sums);
  for (const finding of findings) explainFinding(finding, sums);
  const client = new Client({ connectionString: cast.platform.database_url });
  await client.connect();
  const held = await readBooks(client).finally(() => client.end());
  const names = [...new Set([...held.keys(), ...sums.keys()])].sort();
  return names
    .filter((name) => (held.get(name) ?? 0n) !== (sums.get(name) ?? 0n))
    .map((name) => `${name} is ${held.get(name) ?? 0n} in the books, but ${sums.get(name) ?? 0n} by what happened`);
}

/** Whatever a channel owed of a day it has paid to the bank: nothing is receivable. */
function explainMovement({ shop, account, amount, fee, cost }: Movement, sums: Sums): void {
  const book = (name: string, sum: bigint) => add(sums, `${shop.merchant_id} ${name}`, sum);
  book("fee_income", fee);
  if (account.pooled) {
    book(OWED, amount - fee);
    book("channel_cost", cost);
    book("bank", amount - cost);
  } else {
    book(`direct_collected ${account.id}`, amount);
    book("direct_turnover", amount);
    book("service_fee_receivable", fee);
  }
}

/** The bank has what the bill says; what it lacks is where people have put it, and nothing is in suspense. */
function explainFinding({ shop, resolution, action, delta }: Finding, sums: Sums): void {
  if (!shop) return;
  const book = (name: string, sum: bigint) => add(sums, `${shop.merchant_id} ${name}`, sum);
  book("bank", -delta);
  if (resolution === "booked") book("channel_cost", delta);
  else if (action === "write_off") book("reconciliation_loss", delta);
  else if (action === "adjust") book(OWED, -delta);
  else book("bank", delta);
}

/** A day of an account as the operators' API shows it: its state, and everything that was found. */
export async function readDay({ maker }: Cast, account: Account, day: string) {
  const path = `/reconciliation/accounts/${publicId("channel_account", account.id)}/days/${day}`;
  const { state } = await maker.get(path);
  const { data } = await maker.get(`${path}/differences?limit=100`);
  const found = (data as Json[]).map(({ type, number, state: now }) => `${type} ${now} ${number}`);
  return { state, found: found.sort() };
}

/** Sentences about statements whose days do not chain, or do not come to what the merchant's balance is. */
export async function checkStatements(
  { platform }: Cast,
  { name, merchant_id, key }: Shop,
  first: string,
  until: string,
): Promise<string[]> {
  const wrong: string[] = [];
  const closing = new Map<string, number>();
  for (let day = first; day <= until; day = addDays(day, 1)) {
    const { currencies } = await platform.get(`/v1/statements/${day}`, { key });
    for (const line of currencies.flatMap(({ accounts }: Json) => accounts) as Json[]) {
      const before = closing.get(line.account) ?? 0;
      if (line.opening !== before)
        wrong.push(`${name} ${day}: ${line.account} opens with ${line.opening}, not ${before}`);
      closing.set(line.account, line.opening + line.amount_in - line.amount_out);
      if (line.closing !== closing.get(line.account)) wrong.push(`${name} ${day}: ${line.account} does not add up`);
    }
  }
  const books = new Map<string, number>();
  for (const { kind, balance } of await getBalances(platform.services.db, { merchant_id, livemode: false })) {
    if (!isShown(kind)) continue;
    books.set(shownAccounts[kind], (books.get(shownAccounts[kind]) ?? 0) + Number(balance));
  }
  for (const account of new Set([...books.keys(), ...closing.keys()])) {
    const [stated, booked] = [closing.get(account), books.get(account)];
    if (stated !== booked) wrong.push(`${name}: ${account} is ${stated} by the statements, but ${booked} in the books`);
  }
  return wrong;
}
