// node build.mjs: compiles the module and puts manifest and self-tests into it.
import { build } from "../../templates/tools/c.mjs";

await build(import.meta.dirname);
