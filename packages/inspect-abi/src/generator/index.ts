import { generateAssemblyScript } from "./assemblyscript.js";
import { generateCHeader } from "./c-header.js";
import { generateMarkdown } from "./markdown.js";
import { generateTypeScript } from "./typescript.js";

/** Every generated file: path from the repository's root → content. */
export function generateAll(): Record<string, string> {
  return {
    "packages/inspect-abi/src/generated/abi.ts": generateTypeScript(),
    "wasm/abi/assembly/abi.ts": generateAssemblyScript(),
    "wasm/abi/secuxflow_abi.h": generateCHeader(),
    "docs/inspect-abi.md": generateMarkdown(),
  };
}
