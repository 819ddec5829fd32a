// Builds the front ends into server/idcontact/static/ under names that stay the same, and writes manifest.json: for each
// file its integrity hash and a short version, with which a page can ask for exactly this build (`widget.js?v=…`).
import { createHash } from "node:crypto";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, "server", "idcontact", "static");
// On the same disk, so that the finished whole takes the place of the old in one step: a server may be running.
const unfinished = join(root, "node_modules", ".static");

// The widget stands on other people's pages: as a plain script it needs no CORS headers for itself and works with
// or without type="module". The pages of our own are modules.
const entries = [
  { name: "widget", input: "widget/src/widget.ts", format: "iife" },
  { name: "conversation", input: "widget/src/conversation.ts", format: "es" },
  { name: "console", input: "agent_console/src/console.ts", format: "es" },
];

function settingsOf({ name, input, format }) {
  return {
    root,
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    build: {
      outDir: unfinished,
      emptyOutDir: false,
      target: "es2022",
      modulePreload: false,
      reportCompressedSize: false,
      rolldownOptions: {
        input: join(root, input),
        preserveEntrySignatures: "strict",
        output: { format, codeSplitting: false, entryFileNames: `${name}.js` },
      },
    },
  };
}

async function manifestOf(directory) {
  const files = (await readdir(directory)).filter((name) => name.endsWith(".js")).sort();
  const rows = await Promise.all(
    files.map(async (name) => {
      const content = await readFile(join(directory, name));
      const hash = createHash("sha384").update(content);
      const integrity = hash.digest("base64");
      return [name, { version: integrity.replace(/[^A-Za-z0-9]/g, "").slice(0, 12), integrity: `sha384-${integrity}` }];
    }),
  );
  return Object.fromEntries(rows);
}

await rm(unfinished, { recursive: true, force: true });
for (const entry of entries) await build(settingsOf(entry));
await writeFile(join(unfinished, "manifest.json"), `${JSON.stringify(await manifestOf(unfinished), null, 2)}\n`);
await rm(out, { recursive: true, force: true });
await rename(unfinished, out);
