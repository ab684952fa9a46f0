/** Checks a proof, with nothing but its lines. */
import { createPublicKey, verify } from "node:crypto";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { carryForward, extendChain, type Movements, move } from "./chain.ts";
import { fingerprintOf } from "./signing-key.ts";
import { readStatement, type Statement } from "./statement.ts";

const Signature = Type.Object({ signature: Type.String(), public_key: Type.String() });
const Count = Type.String({ pattern: "^\\d{1,19}$" });
const Amount = Type.String({ pattern: "^-?\\d{1,19}$" });
const Transaction = Type.Tuple([
  Count,
  Type.String(),
  Type.String(),
  Type.String(),
  Type.String(),
  Type.Union([Count, Type.Null()]),
  Type.Array(Type.Tuple([Type.Integer({ minimum: 1 }), Amount, Amount]), { minItems: 1 }),
]);

export interface ProofVerdict {
  /** What does not agree, a sentence each; none when the proof holds. */
  readonly problems: string[];
  /** What is proved; undefined where not even that can be read. */
  readonly statement: Statement | undefined;
  readonly transactions: number;
  /** Of the key that signed, to compare with the published one. */
  readonly fingerprint: string | undefined;
}

/** More are of no use to anybody. */
const PROBLEMS_MAX = 20;

/** Kinds of accounts whose balance grows by debits; the others grow by credits. */
export type SideOf = (kind: string) => "debit" | "credit" | undefined;

/**
 * @param lines of the file, without line feeds.
 * @param sideOf the side of each kind of account, by which a transaction sums to zero.
 */
export async function verifyProof(lines: AsyncIterable<string>, sideOf: SideOf): Promise<ProofVerdict> {
  const problems: string[] = [];
  const complain = (sentence: string) => {
    if (problems.length < PROBLEMS_MAX) problems.push(sentence);
  };
  const reader = lines[Symbol.asyncIterator]();
  const first = (await reader.next()).value as string | undefined;
  const second = (await reader.next()).value as string | undefined;
  const statement = first === undefined ? undefined : readStatement(first);
  if (first === undefined || !statement) {
    return {
      problems: ["The first line is no statement of a close."],
      statement: undefined,
      transactions: 0,
      fingerprint: undefined,
    };
  }
  const fingerprint = checkSignature(first, second, complain);
  const transactions = await checkTransactions(reader, statement, sideOf, complain);
  return { problems, statement, transactions, fingerprint };
}

function checkSignature(
  statement: string,
  line: string | undefined,
  complain: (sentence: string) => void,
): string | undefined {
  const given: unknown = parse(line ?? "");
  if (!Value.Check(Signature, given)) {
    complain("The second line is no signature.");
    return undefined;
  }
  const [signature, der] = [Buffer.from(given.signature, "base64"), Buffer.from(given.public_key, "base64")];
  // Base64 has several spellings of the same bytes: only the one that is written counts.
  const spelled = JSON.stringify({ signature: signature.toString("base64"), public_key: der.toString("base64") });
  if (line !== spelled) complain("The second line is not written as a proof writes it: it was changed.");
  try {
    const key = createPublicKey({ key: der, format: "der", type: "spki" });
    const good = verify(null, Buffer.from(statement, "utf8"), key, signature);
    if (!good) complain("The signature is not that of the statement: one of the first two lines was changed.");
  } catch {
    complain("The public key in the second line cannot be read.");
  }
  return fingerprintOf(der);
}

/** Follows the chain and every balance from the opening to the closing. Gives how many transactions there were. */
async function checkTransactions(
  lines: AsyncIterator<string>,
  statement: Statement,
  sideOf: SideOf,
  complain: (sentence: string) => void,
): Promise<number> {
  const accounts = new Map(statement.accounts.map((account) => [account.position, account]));
  const opening = statement.accounts.map(({ position, opening: closing }) => [position, { closing: BigInt(closing) }]);
  const movements = carryForward(new Map(opening as [number, { closing: bigint }][]));
  let hash: Buffer = Buffer.from(statement.opening_hash, "hex");
  let number = BigInt(statement.after_number);
  let count = 0;
  for (let next = await lines.next(); !next.done; next = await lines.next()) {
    count += 1;
    number += 1n;
    hash = extendChain(hash, next.value);
    const transaction: unknown = parse(next.value);
    if (!Value.Check(Transaction, transaction)) {
      complain(`Line ${count + 2} is no transaction.`);
      continue;
    }
    if (BigInt(transaction[0]) !== number) {
      complain(`Transaction ${number} was expected in line ${count + 2}, not ${transaction[0]}.`);
      number = BigInt(transaction[0]);
    }
    checkEntries(transaction, { accounts, movements, sideOf, complain });
  }
  const { last_number, closing_hash } = statement;
  if (String(number) !== last_number)
    complain(`The last transaction is ${number}, but the statement ends with ${last_number}.`);
  if (hash.toString("hex") !== closing_hash) {
    complain("The chain over the transactions does not end as the statement says: one was changed, left out or added.");
  }
  checkClosings(statement, movements, complain);
  return count;
}

interface Checking {
  readonly accounts: ReadonlyMap<number, Statement["accounts"][number]>;
  readonly movements: Movements;
  readonly sideOf: SideOf;
  readonly complain: (sentence: string) => void;
}

function checkEntries(transaction: Type.Static<typeof Transaction>, checking: Checking): void {
  const { accounts, movements, sideOf, complain } = checking;
  const sums = new Map<string, bigint>();
  for (const [position, amount, balance] of transaction[6]) {
    const account = accounts.get(position);
    const side = account && sideOf(account.kind);
    if (!account || !side) {
      complain(`Transaction ${transaction[0]} moves account ${position}, which the statement does not have.`);
      continue;
    }
    const change = BigInt(amount);
    sums.set(account.currency, (sums.get(account.currency) ?? 0n) + (side === "debit" ? change : -change));
    const { closing } = move(movements, position, change);
    if (closing !== BigInt(balance)) {
      complain(
        `Transaction ${transaction[0]} leaves ${account.kind} with ${balance}, but ${closing} follows from what was before.`,
      );
    }
  }
  for (const [currency, sum] of sums) {
    if (sum !== 0n) complain(`Transaction ${transaction[0]} does not sum to zero in ${currency}.`);
  }
}

function checkClosings(statement: Statement, movements: Movements, complain: (sentence: string) => void): void {
  for (const { position, kind, currency, increase, decrease, closing } of statement.accounts) {
    const movement = movements.get(position);
    const found = [movement?.increase, movement?.decrease, movement?.closing].map(String);
    const stated = [increase, decrease, closing];
    if (found.join() !== stated.join()) {
      complain(
        `${kind} ${currency} closes with ${stated.at(-1)} by the statement, but with ${found.at(-1)} by its transactions.`,
      );
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
