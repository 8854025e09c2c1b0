// Bundles src/ into dist/: index.html and its two files, named by their content. Prints their compressed size.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const LIMIT_KB = 100; // compressed, all files together

rmSync("dist", { recursive: true, force: true });
const { outputFiles } = await build({
  entryPoints: { app: "src/main.tsx", style: "src/style.css" },
  entryNames: "[name]-[hash]",
  outdir: "dist",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  write: true,
  metafile: true,
  legalComments: "none",
}).then(({ metafile }) => ({ outputFiles: Object.keys(metafile.outputs) }));
const named = (ending) => outputFiles.find((name) => name.endsWith(ending)).replace("dist/", "dashboard/");
const html = readFileSync("src/index.html", "utf8")
  .replace("APP.js", named(".js"))
  .replace("STYLE.css", named(".css"));
writeFileSync("dist/index.html", html);
const bytes = [...outputFiles.map((name) => readFileSync(name)), Buffer.from(html)]
  .map((content) => gzipSync(content).length)
  .reduce((sum, size) => sum + size);
console.log(`dashboard: ${(bytes / 1000).toFixed(1)} kB compressed`);
if (bytes > LIMIT_KB * 1000) throw new Error(`more than ${LIMIT_KB} kB`);
