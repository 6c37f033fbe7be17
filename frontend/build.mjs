// Builds what ../static/vendor/ holds, and its checksums. `--check` rebuilds in memory and compares, for CI.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const sums = here("../static/vendor/SHA256SUMS");
const bundles = {
  "chart.js": "uPlot, MIT licence, https://github.com/leeoniya/uPlot",
  "editor.js": "CodeMirror 6, MIT licence, https://codemirror.net",
  "formatter.js": "sql-formatter, MIT licence, https://github.com/sql-formatter-org/sql-formatter",
};

async function built(name) {
  const { outputFiles } = await build({
    entryPoints: [here(`src/${name}`)],
    bundle: true,
    minify: true,
    format: "iife",
    target: ["es2022"],
    loader: { ".css": "text" },
    legalComments: "none",
    banner: { js: `/* ${bundles[name]}; built from frontend/ (npm run build) */` },
    write: false,
  });
  return Buffer.from(outputFiles[0].contents);
}

const codes = await Promise.all(Object.keys(bundles).map(async (name) => [name, await built(name)]));
const lines = codes.map(([name, code]) => `${createHash("sha256").update(code).digest("hex")}  ${name}\n`).join("");

if (process.argv.includes("--check")) {
  const same = codes.every(([name, code]) => readFileSync(here(`../static/vendor/${name}`)).equals(code));
  if (readFileSync(sums, "utf8") !== lines || !same) {
    console.error("static/vendor/ is not what frontend/ builds; run `npm run build`.");
    process.exit(1);
  }
} else {
  for (const [name, code] of codes) writeFileSync(here(`../static/vendor/${name}`), code);
  writeFileSync(sums, lines);
}
