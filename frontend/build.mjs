// Builds ../static/vendor/editor.js and its checksum. `--check` rebuilds in memory and compares, for CI.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const target = here("../static/vendor/editor.js");
const sums = here("../static/vendor/SHA256SUMS");

const { outputFiles } = await build({
  entryPoints: [here("src/editor.js")],
  bundle: true,
  minify: true,
  format: "iife",
  target: ["es2022"],
  legalComments: "none",
  banner: { js: "/* CodeMirror 6, MIT licence, https://codemirror.net; built from frontend/ (npm run build) */" },
  write: false,
});
const code = outputFiles[0].contents;
const line = `${createHash("sha256").update(code).digest("hex")}  editor.js\n`;

if (process.argv.includes("--check")) {
  if (readFileSync(sums, "utf8") !== line || !readFileSync(target).equals(Buffer.from(code))) {
    console.error("static/vendor/editor.js is not what frontend/ builds; run `npm run build`.");
    process.exit(1);
  }
} else {
  writeFileSync(target, code);
  writeFileSync(sums, line);
}
