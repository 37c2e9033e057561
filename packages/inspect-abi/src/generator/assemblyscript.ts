import { abiVersion, attributes, constants, structs } from "../abi.definition.js";
import { capital, generatedNote, placeFields, upper } from "./layout.js";

/** Constants and inlined accessors for AssemblyScript modules. */
export function generateAssemblyScript(): string {
  const lines = [
    `// ${generatedNote}`,
    "",
    `export const ABI_MAJOR: u16 = ${abiVersion.major};`,
    `export const ABI_MINOR: u16 = ${abiVersion.minor};`,
    "",
  ];
  for (const group of constants) {
    lines.push(`// ${group.doc}`);
    for (const { name, value, doc } of group.values) {
      lines.push(`/** ${doc} */`, `export const ${group.prefix}_${name}: ${group.type} = ${value};`);
    }
    lines.push("");
  }
  lines.push("// Attribute keys of findings.");
  for (const { key, name, doc } of attributes) lines.push(`/** ${doc} */`, `export const ATTR_${upper(name)}: u16 = ${key};`);
  lines.push("");
  for (const struct of structs) {
    lines.push(`// ${struct.doc}`, `export const ${struct.prefix}_BYTES: usize = ${struct.size};`);
    const camel = struct.prefix.toLowerCase();
    for (const field of placeFields(struct)) {
      if (field.name === "reserved") continue;
      const name = `${camel}${capital(field.name)}`;
      lines.push(`/** ${field.doc} */`);
      if (field.type === "bytes16") {
        lines.push(
          `// @ts-ignore: decorator`,
          `@inline export function ${name}(p: usize): usize { return p + ${field.offset}; }`,
        );
        continue;
      }
      lines.push(
        `// @ts-ignore: decorator`,
        `@inline export function ${name}(p: usize): ${field.type} { return load<${field.type}>(p, ${field.offset}); }`,
      );
      if (struct.prefix.startsWith("FINDING")) {
        lines.push(
          `// @ts-ignore: decorator`,
          `@inline export function set${capital(name)}(p: usize, v: ${field.type}): void { store<${field.type}>(p, v, ${field.offset}); }`,
        );
      }
    }
    lines.push("");
  }
  return lines.join("\n");
}
