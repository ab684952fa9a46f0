/** Signed closes of days, and their proofs. The only door of the module. */
export { type CloseServices, closeBook } from "./close-book.ts";
export { createCloseWorker } from "./jobs.ts";
export { proveDay, requireClose } from "./prove-day.ts";
export { registerLedgerKeys, registerReadProof } from "./routes/read-proof/route.ts";
export { type ProofVerdict, verifyProof } from "./verify-proof.ts";
