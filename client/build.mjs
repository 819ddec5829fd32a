// Builds the front ends into server/idcontact/static/ under names that stay the same, and writes manifest.json: for each
// script its integrity hash and a short version, with which a page can ask for exactly this build (`widget.js?v=…`).
// Says how much a website's visitor loads, and fails when that is too much; `--size [directory]` only looks at what is
// there.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, "server", "idcontact", "static");
// On the same disk, so that the finished whole takes the place of the old in one step: a server may be running.
const unfinished = join(root, "node_modules", ".static");

const entries = [
  { name: "widget", input: "widget/src/widget.ts" },
  { name: "conversation", input: "widget/src/conversation.ts" },
  { name: "console", input: "agent_console/src/console.ts" },
];

// Bytes of widget.js, gzipped: it stands on other people's pages.
const WIDGET_AT_MOST = 15_000;

// The example theme of the NL Design System, which the demo's website can put on.
const THEMES = { "voorbeeld.css": "@nl-design-system-unstable/voorbeeld-design-tokens/dist/theme.css" };

// Lit keeps a list of its versions on `window`. That page is not ours: no global stays there.
const withoutGlobal = {
  name: "without-global",
  transform(code, id) {
    if (!id.endsWith("/lit-html/lit-html.js")) return undefined;
    const versions = /\(\w+\.litHtmlVersions\?\?=\[\]\)\.push\("[^"]*"\)/;
    if (!versions.test(code)) throw new Error(`${id} has changed: expected ${versions}`);
    return code.replace(versions, "0");
  },
};

// Nothing else shortens styles that stand in a template: their comments, lines and indents.
const shortStyles = {
  name: "short-styles",
  transform(code, id) {
    if (!id.startsWith(join(root, "client")) && !id.startsWith(join(root, "widget"))) return undefined;
    return code.replace(/\bcss`[^`]*`/g, (style) => style.replace(/\/\*.*?\*\//gs, "").replace(/\s+/g, " "));
  },
};

function settingsOf({ name, input }) {
  return {
    root,
    configFile: false,
    logLevel: "warn",
    publicDir: false,
    plugins: name === "widget" ? [withoutGlobal, shortStyles] : [],
    build: {
      outDir: unfinished,
      emptyOutDir: false,
      target: "es2022",
      modulePreload: false,
      reportCompressedSize: false,
      rolldownOptions: {
        input: join(root, input),
        preserveEntrySignatures: "strict",
        output: { format: "es", codeSplitting: false, entryFileNames: `${name}.js` },
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

async function checkSize(directory) {
  const bytes = gzipSync(await readFile(join(directory, "widget.js")), { level: 9 }).length;
  process.stdout.write(`widget.js: ${bytes} bytes gzipped, at most ${WIDGET_AT_MOST}\n`);
  if (bytes > WIDGET_AT_MOST) throw new Error("widget.js has become too large");
}

async function buildAll() {
  await rm(unfinished, { recursive: true, force: true });
  for (const entry of entries) await build(settingsOf(entry));
  await mkdir(join(unfinished, "themes"));
  for (const [name, source] of Object.entries(THEMES)) {
    const css = await readFile(join(root, "node_modules", source), "utf8");
    await writeFile(join(unfinished, "themes", name), `/* NL Design System Community, EUPL-1.2: ${source} */\n${css}`);
  }
  await checkSize(unfinished);
  await writeFile(join(unfinished, "manifest.json"), `${JSON.stringify(await manifestOf(unfinished), null, 2)}\n`);
  await rm(out, { recursive: true, force: true });
  await rename(unfinished, out);
}

const [task, directory] = process.argv.slice(2);
await (task === "--size" ? checkSize(directory ?? out) : buildAll());
