import { lchownSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Hands a new file to the owner of its folder, so that a start as root in a user's folder leaves that user able to
 * start again. Only root can, and only root needs to.
 */
export function giveToFolderOwner(path: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dirname(path));
  lchownSync(path, uid, gid);
}
