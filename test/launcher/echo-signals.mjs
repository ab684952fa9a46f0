// Stands in for the server: says what reaches it, and ends on the first signal or when its launcher is gone.
import { appendFileSync } from "node:fs";

const path = process.argv[2];
const note = (line) => appendFileSync(path, `${line}\n`);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    note(signal);
    setTimeout(() => process.exit(7), 300);
  });
}
process.on("disconnect", () => {
  note("launcher ended");
  process.exit(0);
});
note(`up ${process.pid}`);
setInterval(() => {}, 1000);
