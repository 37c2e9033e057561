import { transformationId } from "@secuxflow/rule-image";
import { compileEntry } from "@secuxflow/wasm";
import type { Outcome } from "../report.js";
import { transformationInput, transformationOutput } from "./vector.js";
import type { Vector } from "./vector.js";

const ROOM = 1 << 16;
/** No transformation makes more of a byte. */
const GROWTH = 6;

/** Applies transformations. @returns a function that judges the vectors of a file named `name` */
export async function transformationRunner(): Promise<(name: string, vectors: readonly Vector[]) => Outcome[]> {
  const wasm = (await compileEntry("engine/codec/test-entry.ts"))();
  const input = wasm.call("room", ROOM);
  const output = wasm.call("room", ROOM * GROWTH);
  const apply = (id: number, data: Buffer): Buffer => {
    if (data.length > ROOM) throw new Error(`an input of ${data.length} bytes: vectors have at most ${ROOM}`);
    wasm.write(input, data);
    return Buffer.from(wasm.read(output, wasm.call("transform", id, input, data.length, output)));
  };
  return (name, vectors) =>
    vectors.map((vector, n) => {
      const test = `transformations/${name}#${n}`;
      // Some vectors are named after what they show, not after the transformation.
      const id = transformationId("seclang", vector.name) ?? transformationId("seclang", name);
      if (id === undefined) return { id: test, result: "skipped", reason: `there is no transformation ${name}` };
      if (vector.output === undefined) return { id: test, result: "skipped", reason: "the vector has no output" };
      const got = apply(id, transformationInput(vector.input));
      const expected = transformationOutput(vector.output);
      if (got.equals(expected)) return { id: test, result: "passed", reason: "", part: "transformations" };
      const texts = [got, expected].map((bytes) => JSON.stringify(bytes.toString("latin1")));
      const reason = `${JSON.stringify(vector.input)} gives ${texts.join(", not ")}`;
      return { id: test, result: "failed", reason, part: "transformations" };
    });
}
