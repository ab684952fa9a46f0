// Guarantee: a DATABASE_URL that cannot be used is answered by one sentence that says what to correct and never
// shows the password.
import { createServer } from "node:net";
import { expect, inject, test } from "vitest";
import { checkDatabase } from "./check-database.ts";
import { findFreePort } from "./free-port.ts";
import { StartError } from "./start-error.ts";

const server = inject("testPostgres").url;

function change(part: "password" | "pathname" | "port" | "hostname", value: string): string {
  const url = new URL(server);
  url[part] = value;
  return url.href;
}

test("a usable server answers with its version", async () => {
  expect(Number.parseInt((await checkDatabase(server)).version, 10)).toBeGreaterThanOrEqual(15);
});

test("each thing that can be wrong has its sentence", async () => {
  const port = String(await findFreePort());
  const cases: [string, RegExp][] = [
    [change("password", "hunter2"), /refuses the password of user "[^"]+": correct DATABASE_URL\.$/],
    [
      change("pathname", "/absent"),
      /has no database "absent": create it \(createdb absent\) or correct DATABASE_URL\.$/,
    ],
    [change("port", port), new RegExp(`^The database at 127.0.0.1:${port} cannot be reached \\(ECONNREFUSED\\)`)],
    [change("hostname", "no-such-host.invalid"), /\(no-such-host\.invalid:\d+\)/],
    ["mysql://root:hunter2@localhost/x", /^DATABASE_URL is not an address like/],
    ["hunter2", /^DATABASE_URL is not an address like/],
  ];
  for (const [url, sentence] of cases) {
    const error = await checkDatabase(url).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(StartError);
    expect((error as StartError).message).toMatch(sentence);
    expect((error as StartError).message).not.toContain("hunter2");
  }
});

test("a server that is too old is refused by its version", async () => {
  // No PostgreSQL 14 is at hand, so this one speaks just enough of the protocol to say that it is one.
  const message = (type: string, ...parts: Buffer[]) => {
    const body = Buffer.concat(parts);
    const head = Buffer.alloc(5);
    head.write(type);
    head.writeInt32BE(body.length + 4, 1);
    return Buffer.concat([head, body]);
  };
  const int16 = (value: number) => Buffer.from([value >> 8, value & 255]);
  const int32 = (value: number) => Buffer.from([0, 0, value >> 8, value & 255]);
  const column = (name: string) =>
    Buffer.concat([Buffer.from(`${name}\0`), int32(0), int16(0), int32(25), int16(65535), int32(0), int16(0)]);
  const value = (text: string) => Buffer.concat([int32(text.length), Buffer.from(text)]);
  const ready = message("Z", Buffer.from("I"));
  const old = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write(Buffer.concat([message("R", int32(0)), ready]));
      socket.once("data", () => {
        const columns = message("T", int16(2), column("server_version"), column("server_version_num"));
        const row = message("D", int16(2), value("14.13"), value("140013"));
        socket.write(Buffer.concat([columns, row, message("C", Buffer.from("SELECT 1\0")), ready]));
      });
    });
  });
  await new Promise<void>((resolve) => old.listen(0, "127.0.0.1", resolve));
  const { port } = old.address() as { port: number };
  await expect(checkDatabase(`postgres://user@127.0.0.1:${port}/books`)).rejects.toThrow(
    `The database at 127.0.0.1:${port} is PostgreSQL 14.13, and Tributary needs 15 or later.`,
  );
  old.close();
});
