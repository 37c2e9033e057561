import { abiVersion, attributes, constants, structs } from "../abi.definition.js";
import { generatedNote, placeFields, snake, upper } from "./layout.js";

/** A C header for BPF programs, for modules written in C, and for anything else that speaks the ABI. */
export function generateCHeader(): string {
  const lines = [
    "/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */",
    `/* ${generatedNote} */`,
    "#ifndef SECUXFLOW_ABI_H",
    "#define SECUXFLOW_ABI_H",
    "",
    "/* A BPF program that includes vmlinux.h has the __uN types from there. */",
    "#if defined(__wasm__)",
    "#include <stdint.h>",
    "typedef uint8_t __u8;",
    "typedef uint16_t __u16;",
    "typedef uint32_t __u32;",
    "typedef uint64_t __u64;",
    "#elif !defined(__VMLINUX_H__)",
    "#include <linux/types.h>",
    "#endif",
    "",
    `#define SXF_ABI_MAJOR ${abiVersion.major}`,
    `#define SXF_ABI_MINOR ${abiVersion.minor}`,
    "",
  ];
  for (const group of constants) {
    lines.push(`/* ${group.doc} */`);
    for (const { name, value, doc } of group.values) {
      const literal =
        group.type === "i32" ? `(${value})` : group.type === "u32" && value > 0xffff ? `0x${value.toString(16)}u` : `${value}`;
      lines.push(`#define SXF_${group.prefix}_${name} ${literal} /* ${doc} */`);
    }
    lines.push("");
  }
  lines.push("/* Attribute keys of findings. */");
  for (const { key, name, doc } of attributes) lines.push(`#define SXF_ATTR_${upper(name)} ${key} /* ${doc} */`);
  lines.push("");
  for (const struct of structs) {
    lines.push(`/* ${struct.doc} */`, `struct ${struct.tag} {`);
    const fields = placeFields(struct);
    for (const field of fields) {
      const declaration = field.type === "bytes16" ? `__u8 ${snake(field.name)}[16]` : `__${field.type} ${snake(field.name)}`;
      lines.push(`  ${declaration}; /* ${field.offset}: ${field.doc} */`);
    }
    lines.push("};", `_Static_assert(sizeof(struct ${struct.tag}) == ${struct.size}, "size of ${struct.tag}");`);
    for (const field of fields) {
      lines.push(
        `_Static_assert(__builtin_offsetof(struct ${struct.tag}, ${snake(field.name)}) == ${field.offset}, "${snake(field.name)}");`,
      );
    }
    lines.push("");
  }
  lines.push("#endif /* SECUXFLOW_ABI_H */", "");
  return lines.join("\n");
}
