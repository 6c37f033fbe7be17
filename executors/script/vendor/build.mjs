// Bundles each module as one plain CommonJS file and records where it came from.
// Run after `npm ci`; the result is committed, so that the portal itself never needs npm.
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const NAMES = ["date-fns", "lodash", "decimal.js", "zod"];
const LICENCES = ["LICENSE", "LICENSE.md", "LICENCE.md", "LICENCE"];
const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
const digest = (data) => `sha512-${createHash("sha512").update(data).digest("base64")}`;

mkdirSync("modules", { recursive: true });
const modules = {};
for (const name of NAMES) {
  const file = `${name}.js`;
  await build({
    stdin: { contents: `module.exports = require(${JSON.stringify(name)});`, resolveDir: "." },
    outfile: `modules/${file}`,
    bundle: true,
    minify: true,
    format: "cjs",
    platform: "neutral",
    mainFields: ["main"],
    target: "es2022",
    legalComments: "none",
  });
  const licence = LICENCES.find((candidate) => existsSync(`node_modules/${name}/${candidate}`));
  if (!licence) throw new Error(`${name} has no licence file`);
  copyFileSync(`node_modules/${name}/${licence}`, `modules/${name}.LICENSE`);
  const source = lock.packages[`node_modules/${name}`];
  modules[name] = {
    version: source.version,
    source: `https://registry.npmjs.org/${name}/-/${name}-${source.version}.tgz`,
    integrity: source.integrity,
    license: source.license ?? JSON.parse(readFileSync(`node_modules/${name}/package.json`, "utf8")).license,
    file,
    bundle: digest(readFileSync(`modules/${file}`)),
  };
}
writeFileSync("modules/lock.json", `${JSON.stringify(modules, null, 2)}\n`);
