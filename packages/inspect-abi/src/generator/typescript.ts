import { abiVersion, attributes, constants, structs } from "../abi.definition.js";
import type { StructDefinition } from "../abi.definition.js";
import { generatedNote, placeFields, upper } from "./layout.js";
import type { PlacedField } from "./layout.js";

const tsType = (field: PlacedField): string =>
  field.type === "u64" ? "bigint" : field.type === "bytes16" ? "Uint8Array" : "number";

function readExpression(field: PlacedField): string {
  const at = field.offset === 0 ? "at" : `at + ${field.offset}`;
  switch (field.type) {
    case "u8":
      return `view.getUint8(${at})`;
    case "u16":
      return `view.getUint16(${at}, true)`;
    case "u32":
      return `view.getUint32(${at}, true)`;
    case "u64":
      return `view.getBigUint64(${at}, true)`;
    case "bytes16":
      return `new Uint8Array(view.buffer, view.byteOffset + ${at}, 16).slice()`;
  }
}

function writeStatement(field: PlacedField): string {
  const at = field.offset === 0 ? "at" : `at + ${field.offset}`;
  const value = `value.${field.name}`;
  switch (field.type) {
    case "u8":
      return `view.setUint8(${at}, ${value});`;
    case "u16":
      return `view.setUint16(${at}, ${value}, true);`;
    case "u32":
      return `view.setUint32(${at}, ${value}, true);`;
    case "u64":
      return `view.setBigUint64(${at}, ${value}, true);`;
    case "bytes16":
      return `new Uint8Array(view.buffer, view.byteOffset + ${at}, 16).set(${value});`;
  }
}

function codec(struct: StructDefinition): string[] {
  const fields = placeFields(struct);
  const codecFields = fields.filter((field) => field.name !== "reserved");
  const reserved = fields.filter((field) => field.name === "reserved");
  return [
    `/** Bytes of a {@link ${struct.name}} in this version. */`,
    `export const ${struct.prefix}_BYTES = ${struct.size};`,
    ...codecFields.map((field) => `export const ${struct.prefix}_${upper(field.name)} = ${field.offset};`),
    "",
    `/** ${struct.doc} */`,
    `export interface ${struct.name} {`,
    ...codecFields.flatMap((field) => [`  /** ${field.doc} */`, `  ${field.name}: ${tsType(field)};`]),
    "}",
    "",
    `/** Reads the {@link ${struct.name}} at \`at\`; throws a RangeError when the view ends before it does. */`,
    `export function read${struct.name}(view: DataView, at: number): ${struct.name} {`,
    "  return {",
    ...codecFields.map((field) => `    ${field.name}: ${readExpression(field)},`),
    "  };",
    "}",
    "",
    `/** Writes a {@link ${struct.name}} at \`at\`, reserved bytes as 0; throws a RangeError when it does not fit. */`,
    `export function write${struct.name}(view: DataView, at: number, value: ${struct.name}): void {`,
    ...codecFields.map((field) => `  ${writeStatement(field)}`),
    ...reserved.map((field) =>
      field.type === "u64"
        ? `  view.setBigUint64(at + ${field.offset}, 0n, true);`
        : `  view.setUint${field.bytes * 8}(at + ${field.offset}, 0, true);`,
    ),
    "}",
    "",
  ];
}

/** The TypeScript constants and codecs. */
export function generateTypeScript(): string {
  const lines = [
    `// ${generatedNote}`,
    "",
    `export const ABI_MAJOR = ${abiVersion.major};`,
    `export const ABI_MINOR = ${abiVersion.minor};`,
    "",
  ];
  for (const group of constants) {
    lines.push(`/** ${group.doc} */`, `export const ${group.name} = {`);
    for (const { name, value, doc } of group.values) lines.push(`  /** ${doc} */`, `  ${name}: ${value},`);
    lines.push("} as const;", "");
  }
  for (const struct of structs) lines.push(...codec(struct));
  lines.push("/** Attribute keys of findings with the name and type that a reader gives them. */", "export const ATTRIBUTES = {");
  for (const { key, name, type, doc } of attributes)
    lines.push(`  /** ${doc} */`, `  ${key}: { name: "${name}", type: "${type}" },`);
  lines.push('} as const satisfies Record<number, { name: string; type: "utf8" | "bytes" | "u32" }>;', "");
  lines.push("/** Names of the attributes that this version knows. */");
  lines.push('export type AttributeName = (typeof ATTRIBUTES)[keyof typeof ATTRIBUTES]["name"];', "");
  return lines.join("\n");
}
