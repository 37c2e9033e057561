// Writes the files generated from src/abi.definition.ts. Bundled on the fly, so that it runs before anything is built.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const bundle = await build({
  entryPoints: [join(here, "src/generator/index.ts")],
  bundle: true, write: false, format: "esm", platform: "node", tsconfigRaw: "{}",
});
const source = Buffer.from(bundle.outputFiles[0].contents).toString("base64");
const { generateAll } = await import(`data:text/javascript;base64,${source}`);
for (const [path, text] of Object.entries(generateAll())) {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
  console.log(path);
}
