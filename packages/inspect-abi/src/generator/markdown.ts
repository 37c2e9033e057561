import { abiVersion, attributes, constants, structs } from "../abi.definition.js";
import { generatedNote, placeFields, snake } from "./layout.js";

const hex = (value: number): string => (value > 0xffff ? `0x${value.toString(16)}` : `${value}`);

/** The reference page of the ABI. */
export function generateMarkdown(): string {
  const lines = [
    `<!-- ${generatedNote} -->`,
    `# The inspection ABI, version ${abiVersion.major}.${abiVersion.minor}`,
    "",
    "Why it is like this: [ADR 3](adr/0003-inspection-abi.md). How to write a module: [the SDK](../wasm/sdk/README.md).",
    "All numbers are little-endian; every struct is a multiple of 8 bytes and has no padding.",
    "",
    "## What a module exports",
    "| export | meaning |",
    "| --- | --- |",
    "| `memory` | with a declared maximum |",
    `| \`secuxflow_abi_${abiVersion.major}\` | marker of the major version; any kind of export, never called |`,
    "| `input(capacity: i32) → ptr` | room for a batch (or a configuration) of that many bytes, 8-aligned; 0 refuses |",
    "| `inspect(ptr: i32, len: i32) → i32` | handles a batch, returns bytes of output, or a negative error code |",
    "| `output() → ptr` | where the output starts |",
    "| `configure(ptr: i32, len: i32) → i32` | optional; `key=value` lines in UTF-8, called once before the first batch; 0 or an error code |",
    "| `rules(capacity: i32) → ptr` | optional, together with `load`; room for a rule image of that many bytes, 16-aligned; 0 refuses |",
    "| `load(ptr: i32, len: i32) → i32` | checks the image and uses it from the next batch on; flow state stays. 0, or an error code and the rules before stay |",
    "| `counters() → ptr` | optional; three u64 since the module's start: flows whose content it read, flows that are encrypted and were not, flows of other protocols |",
    "| `tick(now_ms: f64)` | optional; time passes without packets |",
    "| `flush() → i32` | optional; ends every flow and returns as `inspect` does, again and again while the status is OUTPUT_FULL |",
    "| `_initialize()` | optional; WASI reactors |",
    "",
    "Imports: none, `secuxflow.log(level: i32, ptr: i32, len: i32)`, AssemblyScript's `env.abort`, or WASI without files, environment, " +
      "clock and randomness. Time is in the batch, so that a run can be replayed bit for bit.",
    "",
    "Custom sections: `secuxflow.manifest` (JSON) and, optionally, `secuxflow.selftest` (JSON: batches with the rule ids to find).",
    "",
    "## Order of bytes",
    "A batch is a header, `count` records of `recordLen` bytes from `headerLen` on, and the payload. Output is a header, `count` " +
      "findings, and attributes (u16 key, u16 length, value) wherever the findings point.",
    "",
    "When the output fills up, a module stops after a whole record, says `OUTPUT_FULL` with `recordsDone`, and the host calls again " +
      "with the rest. A module that cannot stop in between returns `E_OUTPUT_FULL` with its state unchanged, and the host halves the batch.",
    "",
  ];
  for (const struct of structs) {
    lines.push(
      `## ${struct.name}, ${struct.size} bytes`,
      struct.doc,
      "",
      "| offset | type | field | meaning |",
      "| --- | --- | --- | --- |",
    );
    for (const field of placeFields(struct))
      lines.push(`| ${field.offset} | ${field.type} | ${snake(field.name)} | ${field.doc} |`);
    lines.push("");
  }
  for (const group of constants) {
    lines.push(`## ${group.name}`, group.doc, "", "| name | value | meaning |", "| --- | --- | --- |");
    for (const { name, value, doc } of group.values) lines.push(`| ${group.prefix}_${name} | ${hex(value)} | ${doc} |`);
    lines.push("");
  }
  lines.push("## Attributes of findings", "| key | name | type | meaning |", "| --- | --- | --- | --- |");
  for (const { key, name, type, doc } of attributes) lines.push(`| ${key} | ${name} | ${type} | ${doc} |`);
  lines.push("");
  return lines.join("\n");
}
