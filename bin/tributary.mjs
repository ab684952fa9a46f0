#!/usr/bin/env node
// Starts Tributary's command line on any Node from 20 on: installs what is missing, then hands over to Node 24.
import { join } from "node:path";
import { ensureInstalled, findNode, root } from "./lib/install.mjs";
import { relay } from "./lib/relay.mjs";

ensureInstalled();
relay(findNode(), join(root, "server/src/main/cli.ts"), process.argv.slice(2));
