import { Readable } from "node:stream";
import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import type { CloseServices } from "../../close-book.ts";
import { proveDay, requireClose } from "../../prove-day.ts";
import { fingerprintOf } from "../../signing-key.ts";
import { loadSigningKeys } from "../../store.ts";

const Params = Type.Object({ day: Type.String({ description: "YYYY-MM-DD, in the merchant's time zone." }) });

/** `GET /v1/ledger_proofs/:day`: the file that `tributary ledger verify-proof` checks. */
export function registerReadProof(api: ApiServer, services: CloseServices): void {
  api.get(
    "/v1/ledger_proofs/:day",
    {
      schema: {
        operationId: "readLedgerProof",
        tags: ["Balance"],
        summary: "Read the proof of a day",
        description:
          "A signed statement of the day's close and every transaction of the book, as lines of JSON. Check it offline: `npx tributary ledger verify-proof <file>`.",
        params: Params,
        produces: ["application/jsonl"],
      },
    },
    async ({ caller, params }, reply) => {
      const close = await requireClose(services, caller, params.day);
      return reply.type("application/jsonl; charset=utf-8").send(Readable.from(proveDay(services, close)));
    },
  );
}

/** `GET /.well-known/tributary-ledger-keys`: every key that has signed closes, for whoever checks a proof. */
export function registerLedgerKeys(server: ApiServer, { db }: Pick<CloseServices, "db">): void {
  server.get("/.well-known/tributary-ledger-keys", { schema: { hide: true } }, async () => {
    const keys = await loadSigningKeys(db);
    return {
      keys: keys.map(({ id, public_key }) => ({
        id,
        algorithm: "Ed25519",
        public_key: public_key.toString("base64"),
        fingerprint: fingerprintOf(public_key),
      })),
    };
  });
}
