import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { giveToFolderOwner } from "../folder-owner.ts";

/** `.data/demo.json`: what a person or a script needs to try the API. Test mode only. */
export interface DemoFile {
  base_url: string;
  sandbox_url: string;
  merchant_id: string;
  app_id: string;
  secret_key: string;
  webhook_secret: string;
  operator: Login;
  merchant: Login;
}

/** With it a person signs in to a console. */
export interface Login {
  email: string;
  password: string;
}

export function readDemoFile(data_dir: string): DemoFile | undefined {
  const path = join(data_dir, "demo.json");
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as DemoFile;
  } catch {
    // A file cut short names nobody; a new demo merchant is made.
    return undefined;
  }
}

export function writeDemoFile(data_dir: string, demo: DemoFile): void {
  const path = join(data_dir, "demo.json");
  writeFileSync(path, `${JSON.stringify(demo, null, 2)}\n`, { mode: 0o600 });
  giveToFolderOwner(path);
}
