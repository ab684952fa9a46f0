/**
 * Guarantee: an account is entered once, sealed, shown masked and never logged; a change of it is another version that is
 * verified and cools anew; who did what stays, also after it was deleted; nobody sees another's, or that of the other mode.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createKey } from "../../../../test/platform/merchants.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import type { Json } from "../../../../test/platform/sandbox-control.ts";
import { parsePublicId } from "../../kit/id.ts";
import { run } from "../../ledger/testing/books.ts";
import {
  type Changing,
  findByAccounts,
  openVersion,
  refuseBeneficiary,
  setBeneficiarySettings,
  verifyBeneficiary,
} from "./index.ts";

const PATH = "/v1/beneficiaries";
const DAY_MS = 86_400_000;
const NUMBER = "6222021234567890128";
let platform: Platform;
const lines: string[] = [];

beforeAll(async () => {
  platform = await startPlatform({ direct: true, logs: { write: (line) => lines.push(line) } });
}, 60_000);
afterAll(async () => {
  const log = lines.join("\n");
  expect(["王小明", "someone@example.com", NUMBER, "o-nobody-may-read"].filter((text) => log.includes(text))).toEqual(
    [],
  );
  await platform.close();
});

const bankCard = (number: string, more: object = {}) => ({
  ...{ type: "bank_card", name: "王小明" },
  bank_card: { number, bank_name: "招商银行", branch_name: "北京分行", ...more },
});
const wechat = (openid: string) => ({ type: "wechat", wechat: { openid, appid: "wx0123" } });
const changing = ({ id }: Json): Changing => {
  const { merchant_id } = platform.merchant;
  return { merchant_id, id: parsePublicId("beneficiary", id)!, livemode: false, actor: "operator:test" };
};
const set = (more: object) =>
  setBeneficiarySettings(platform.services, { ...platform.merchant, livemode: false, ...more });

describe("an account", () => {
  test("is entered, shown masked, and sealed in the database", async () => {
    const made = await platform.post(PATH, { ...bankCard(NUMBER), label: "工资卡", metadata: { a: "b" } });
    expect(made).toMatchObject({
      ...{ object: "beneficiary", livemode: false, status: "unverified", type: "bank_card", version: 1 },
      ...{ account: "****0128", name: "**明", label: "工资卡", metadata: { a: "b" }, verified_at: null },
      details: { account_type: "personal", bank_name: "招商银行", branch_name: "北京分行" },
    });
    expect(Date.parse(made.payable_from) - Date.parse(made.created_at)).toBe(DAY_MS);
    expect(await platform.get(`${PATH}/${made.id}`)).toEqual(made);
    const rows = await run<Json>(
      platform.services.db,
      "select row_to_json(v)::text as text from beneficiary_versions v",
    );
    for (const { text } of rows) expect(text).not.toMatch(new RegExp(`${NUMBER}|王小明`));
    const { id, merchant_id } = changing(made);
    const opened = await openVersion(platform.services, { merchant_id, id, version: 1 });
    expect([opened!.account.reveal(), opened!.name!.reveal(), String(opened!.account)]).toEqual([
      ...[NUMBER, "王小明", "[secret]"],
    ]);
    const [found] = await findByAccounts(platform.services, changing(made), [
      bankCard(`6222 0212 3456 7890 128`) as never,
    ]);
    expect(found?.id).toBe(id);
  });

  test("is entered once in a book, also by many at once, and again after it was deleted", async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => platform.call("POST", PATH, wechat("o-nobody-may-read"))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)]);
    const made = answers.find(({ status }) => status === 201)!.body;
    const second = await platform.call("POST", PATH, wechat("o-nobody-may-read"));
    expect(second.body.error).toMatchObject({ code: "beneficiary.exists", message: expect.stringContaining(made.id) });
    const deleted = await platform.call("DELETE" as "POST", `${PATH}/${made.id}`);
    expect(deleted.body).toMatchObject({ status: "deleted", account: "****read" });
    const again = await platform.post(PATH, wechat("o-nobody-may-read"));
    expect([again.id === made.id, again.fingerprint === made.fingerprint]).toEqual([false, true]);
    expect(await platform.get(`${PATH}/${made.id}`)).toMatchObject({ status: "deleted" });
    const listed = (await platform.get(PATH)).data.map(({ id }: Json) => id);
    expect([listed.includes(made.id), listed.includes(again.id)]).toEqual([false, true]);
  });

  test("is entered once under one Idempotency-Key", async () => {
    const headers = { "idempotency-key": "enter-once" };
    const first = await platform.call("POST", PATH, wechat("o-idempotent"), { headers });
    const second = await platform.call("POST", PATH, wechat("o-idempotent"), { headers });
    const other = await platform.call("POST", PATH, wechat("o-idempotent-2"), { headers });
    expect([first.status, second.status, other.body.error.code]).toEqual([201, 200, "idempotency.key_reused"]);
    expect([second.body.id, second.headers["idempotent-replayed"]]).toEqual([first.body.id, "true"]);
  });

  test("that cannot be right is refused, and the answer does not repeat it", async () => {
    const answer = await platform.call("POST", PATH, bankCard("6222021234567890129"));
    expect(answer.body.error).toMatchObject({ code: "beneficiary.invalid", param: "bank_card.number" });
    expect(answer.text).not.toContain("622202");
  });

  test("is its merchant's, in its mode", async () => {
    const made = await platform.post(PATH, wechat("o-of-one-merchant"));
    const live = await createKey(platform.services, { ...platform.merchant, livemode: true });
    for (const key of [platform.direct.key, live]) {
      const read = await platform.call("GET", `${PATH}/${made.id}`, undefined, { key });
      expect(read.body.error.code).toBe("beneficiary.not_found");
      const disabled = await platform.call("POST", `${PATH}/${made.id}/disable`, undefined, { key });
      expect(disabled.body.error.code).toBe("beneficiary.not_found");
      expect((await platform.get(PATH, { key })).data).toEqual([]);
    }
    await platform.post(PATH, wechat("o-of-one-merchant"), { key: platform.direct.key });
  });
});

describe("a change", () => {
  test("of the account is another version, unverified and cooling; of the label is none", async () => {
    const made = await platform.post(PATH, bankCard("4111111111111111"));
    const verified = await verifyBeneficiary(platform.services, changing(made), 1);
    expect(verified).toMatchObject({ status: "verified", verified_at: platform.clock.now() });
    await platform.advance(DAY_MS);
    const same = await platform.post(`${PATH}/${made.id}/versions`, bankCard("4111 1111 1111 1111"));
    expect(same).toMatchObject({ version: 1, status: "verified" });
    const changed = await platform.post(`${PATH}/${made.id}/versions`, bankCard("4012888888881881"));
    expect(changed).toMatchObject({ id: made.id, version: 2, status: "unverified", account: "****1881" });
    expect(Date.parse(changed.payable_from)).toBe(platform.clock.now() + DAY_MS);
    await expect(verifyBeneficiary(platform.services, changing(made), 1)).rejects.toThrow("version is 2");
    const labelled = await platform.call("PATCH" as "POST", `${PATH}/${made.id}`, { label: "备用" });
    expect(labelled.body).toMatchObject({ label: "备用", version: 2 });
    await refuseBeneficiary(platform.services, { ...changing(made), note: "name differs" });
    const refused = await platform.call("POST", `${PATH}/${made.id}/versions`, bankCard("4111111111111111"));
    expect(refused.body.error.code).toBe("beneficiary.wrong_status");
    const { versions, changes } = await platform.get(`${PATH}/${made.id}/history`);
    expect(versions.map((v: Json) => [v.version, v.account, v.verified_at !== null])).toEqual([
      [1, "****1111", true],
      [2, "****1881", false],
    ]);
    expect(changes.map((c: Json) => [c.action, c.version, c.actor.split("_")[0], c.note])).toEqual([
      ["created", 1, "key", null],
      ["verified", 1, "operator:test", null],
      ["changed", 2, "key", null],
      ["refused", 2, "operator:test", "name differs"],
    ]);
  });

  test("to an account that another one has is refused, and leaves everything", async () => {
    const first = await platform.post(PATH, wechat("o-first-of-two"));
    const second = await platform.post(PATH, wechat("o-second-of-two"));
    const answer = await platform.call("POST", `${PATH}/${second.id}/versions`, wechat("o-first-of-two"));
    expect(answer.body.error).toMatchObject({ code: "beneficiary.exists" });
    expect(answer.body.error.message).toContain(first.id);
    expect(await platform.get(`${PATH}/${second.id}`)).toEqual(second);
  });

  test("of its use: disabled, enabled as it was, deleted for good", async () => {
    const made = await platform.post(PATH, wechat("o-used-and-not"));
    await verifyBeneficiary(platform.services, changing(made));
    const act = async (what: string) => (await platform.call("POST", `${PATH}/${made.id}/${what}`)).body;
    expect((await act("disable")).status).toBe("disabled");
    expect((await act("disable")).status).toBe("disabled");
    expect((await act("enable")).status).toBe("verified");
    expect((await act("enable")).error.code).toBe("beneficiary.wrong_status");
    await platform.call("DELETE" as "POST", `${PATH}/${made.id}`);
    expect((await act("disable")).error.code).toBe("beneficiary.wrong_status");
  });

  test("does not escape an operator's refusal: what was disabled before it is unverified when it is enabled", async () => {
    const made = await platform.post(PATH, wechat("o-disabled-then-refused"));
    await verifyBeneficiary(platform.services, changing(made));
    await platform.call("POST", `${PATH}/${made.id}/disable`);
    await refuseBeneficiary(platform.services, { ...changing(made), note: "stolen" });
    await refuseBeneficiary(platform.services, changing(made));
    const { changes } = await platform.get(`${PATH}/${made.id}/history`);
    expect(changes.map((c: Json) => c.action)).toEqual(["created", "verified", "disabled", "refused"]);
    expect((await platform.call("POST", `${PATH}/${made.id}/enable`)).body.status).toBe("unverified");
  });
});

describe("the merchant's settings", () => {
  test("say how long accounts cool and who verifies", async () => {
    await set({ cooling_s: 3600, verification: "automatic" });
    const made = await platform.post(PATH, wechat("o-by-rule"));
    expect(made).toMatchObject({ status: "verified", verified_at: made.created_at });
    expect(Date.parse(made.payable_from) - Date.parse(made.created_at)).toBe(3_600_000);
    const { changes } = await platform.get(`${PATH}/${made.id}/history`);
    expect(changes.map((c: Json) => [c.action, c.actor.slice(0, 4)])).toEqual([
      ["created", "key_"],
      ["verified", "rule"],
    ]);
    await set({ verification: "known_account" });
    await platform.call("DELETE" as "POST", `${PATH}/${made.id}`);
    expect((await platform.post(PATH, wechat("o-by-rule"))).status).toBe("verified");
    expect((await platform.post(PATH, wechat("o-never-seen"))).status).toBe("unverified");
    await set({ verification: "operator", cooling_s: 86_400 });
    await expect(set({ cooling_s: -1 })).rejects.toThrow("720 hours");
  });
});
