import { SHAPE_NAMES, type ShapeName } from "./rules/shapes.js";

/** A wrong command line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What can be set for a suite; each suite has defaults of its own for what is not set. */
export interface BenchOptions {
  readonly rounds?: number;
  readonly seconds?: number;
  readonly rules?: readonly number[];
  readonly shapes?: readonly ShapeName[];
  readonly requests?: number;
}

const MOST_RULES = 100_000;

/** Reads the options' texts. @throws {UsageError} which one is wrong and what it may be */
export function parseBenchOptions(texts: Readonly<Partial<Record<"rounds" | "seconds" | "rules" | "shapes" | "requests", string>>>): BenchOptions {
  const { rounds, seconds, rules, shapes, requests } = texts;
  return {
    ...(rounds === undefined ? {} : { rounds: integer("rounds", rounds, 1_000_000) }),
    ...(seconds === undefined ? {} : { seconds: positive("seconds", seconds) }),
    ...(rules === undefined ? {} : { rules: rules.split(",").map((text) => integer("rules", text, MOST_RULES)) }),
    ...(requests === undefined ? {} : { requests: integer("requests", requests, 100_000_000) }),
    ...(shapes === undefined ? {} : { shapes: shapes.split(",").map(shape) }),
  };
}

function integer(name: string, text: string, most: number): number {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : 0;
  if (value < 1 || value > most) throw new UsageError(`--${name}: ${JSON.stringify(text)} is no whole number from 1 to ${most}`);
  return value;
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value <= 0) throw new UsageError(`--${name}: ${JSON.stringify(text)} is no positive number`);
  return value;
}

function shape(text: string): ShapeName {
  const found = SHAPE_NAMES.find((name) => name === text.trim());
  if (found === undefined) throw new UsageError(`--shapes: there is no shape ${JSON.stringify(text)}; there are ${SHAPE_NAMES.join(", ")}`);
  return found;
}
