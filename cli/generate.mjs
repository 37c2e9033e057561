// Writes src/http/shapes.generated.ts. Bundled on the fly, so that it runs before the CLI is built (the contracts must be).
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const bundle = await build({
  entryPoints: [join(here, "src/generator/shapes.ts")],
  bundle: true,
  write: false,
  format: "esm",
  platform: "node",
  tsconfigRaw: "{}",
});
const source = Buffer.from(bundle.outputFiles[0].contents).toString("base64");
const { generateShapes } = await import(`data:text/javascript;base64,${source}`);
await writeFile(join(here, "src/http/shapes.generated.ts"), generateShapes());
console.log("src/http/shapes.generated.ts");
