/** What a target is fed with: steps, each a kind (what it means is the target's business) and bytes. */
import { z } from "zod";

export interface Step {
  readonly kind: number;
  readonly bytes: Uint8Array;
}

export type Input = readonly Step[];

/** An input that was found to fail, as a file of corpus/<target>/. */
export interface Finding {
  readonly target: string;
  /** What was wrong when it was found, and the seed. */
  readonly note: string;
  readonly input: Input;
}

const FindingFile = z.strictObject({
  target: z.string(),
  note: z.string(),
  steps: z.array(z.strictObject({ kind: z.number().int().min(0), hex: z.string().regex(/^([0-9a-f]{2})*$/), text: z.string().optional() })),
});

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** Bytes of all steps together. */
export const sizeOf = (input: Input): number => input.reduce((sum, { bytes }) => sum + bytes.length, 0);

/** Whether two inputs are the same. */
export const keyOf = (input: Input): string => input.map(({ kind, bytes }) => `${kind}:${hexOf(bytes)}`).join(",");

/** A step of text, one character a byte. */
export const textStep = (kind: number, text: string): Step => ({ kind, bytes: Uint8Array.from(Buffer.from(text, "latin1")) });

/** A step's bytes as text, one character a byte. */
export const textOf = ({ bytes }: Step): string => Buffer.from(bytes).toString("latin1");

/** Reads the text of a corpus file. Throws ZodError or SyntaxError. */
export function parseFinding(text: string): Finding {
  const { target, note, steps } = FindingFile.parse(JSON.parse(text));
  return { target, note, input: steps.map(({ kind, hex }) => ({ kind, bytes: Uint8Array.from(Buffer.from(hex, "hex")) })) };
}

/** The text of a corpus file; what is readable is there as text too, for people. */
export function formatFinding({ target, note, input }: Finding): string {
  const steps = input.map((step) => {
    const text = textOf(step);
    return { kind: step.kind, hex: hexOf(step.bytes), ...(/^[\t\r\n -~]+$/.test(text) ? { text } : {}) };
  });
  return `${JSON.stringify({ target, note, steps }, null, 1)}\n`;
}
