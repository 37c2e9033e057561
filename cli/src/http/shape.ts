/**
 * What a document must look like, as far as the CLI relies on it. Made from the contracts' zod schemas at build time
 * (shapes.generated.ts): zod itself takes longer to load than a command may take to start. Names that end in "?" are optional;
 * fields that are not named are left alone.
 */
export type Shape =
  | "string"
  | "number"
  | "boolean"
  | "any"
  | { readonly is: string }
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly object: Readonly<Record<string, Shape>> };

/** Where a document differs from its shape. */
export interface ShapeFault {
  /** As "items.0.id"; empty for the document itself. */
  readonly path: string;
  readonly expected: string;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const join = (path: string, name: string | number): string => (path === "" ? String(name) : `${path}.${name}`);

/** The first difference between a document and its shape; undefined when there is none. */
export function shapeFault(shape: Shape, value: unknown, path = ""): ShapeFault | undefined {
  if (shape === "any") return undefined;
  if (typeof shape === "string") {
    const right = typeof value === shape && (shape !== "number" || Number.isFinite(value));
    return right ? undefined : { path, expected: `a ${shape}` };
  }
  if ("is" in shape) return value === shape.is ? undefined : { path, expected: JSON.stringify(shape.is) };
  if ("list" in shape) {
    if (!Array.isArray(value)) return { path, expected: "a list" };
    for (const [index, item] of value.entries()) {
      const fault = shapeFault(shape.list, item, join(path, index));
      if (fault) return fault;
    }
    return undefined;
  }
  if (!isObject(value)) return { path, expected: "an object" };
  const fields =
    "map" in shape ? Object.keys(value).map((name): [string, Shape] => [name, shape.map]) : Object.entries(shape.object);
  for (const [key, field] of fields) {
    const optional = "object" in shape && key.endsWith("?");
    const name = optional ? key.slice(0, -1) : key;
    if (optional && value[name] === undefined) continue;
    const fault = shapeFault(field, value[name], join(path, name));
    if (fault) return fault;
  }
  return undefined;
}
