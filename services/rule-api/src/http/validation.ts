import { CommandOptions, ProblemError, SetSpec } from "@secuxflow/contracts";
import { z } from "zod";

interface FieldError {
  field: string;
  message: string;
}

/** zod's own words without the part that says nothing. */
const words = (message: string): string => message.replace(/^Invalid input: /, "");

const name = (path: readonly PropertyKey[]): string => path.map(String).join(".") || "(body)";

/** Every field that a schema has refused, with unknown fields by their own names and unions by what each branch wants. */
export function fieldErrors(issues: readonly z.core.$ZodIssue[], at: readonly PropertyKey[] = []): FieldError[] {
  return issues.flatMap((issue): FieldError[] => {
    const path = [...at, ...issue.path];
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => ({
        field: name([...path, key]),
        message: "unknown field: leave it out, or look at /docs for what there is",
      }));
    if (issue.code === "invalid_union") {
      const messages = issue.errors.flatMap((branch) => branch.map(({ message }) => words(message)));
      return [{ field: name(path), message: [...new Set(messages)].join(", or ") || words(issue.message) }];
    }
    return [{ field: name(path), message: words(issue.message) }];
  });
}

/** Checks input from outside. @throws ProblemError invalid_input that names every field at fault */
export function parse<S extends z.ZodType>(schema: S, input: unknown, what: string): z.output<S> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const errors = fieldErrors(result.error.issues);
  throw new ProblemError(
    "invalid_input",
    `${what} is not valid: ${errors.map(({ field, message }) => `${field}: ${message}`).join("; ")}`,
    { errors },
  );
}

/** A body that must be there. */
export function parseBody<S extends z.ZodType>(schema: S, body: unknown, what: string): z.output<S> {
  return parse(schema, body ?? {}, what);
}

const wholeNumber = (text: string): unknown => (/^\d{1,15}$/.test(text) ? Number(text) : text);

/** A query parameter that is a whole number; a text that is none stays text, so that the schema names it. */
export const numberParameter = <S extends z.ZodType>(schema: S) =>
  z.preprocess((value) => (typeof value === "string" ? wholeNumber(value) : value), schema);

const booleanParameter = <S extends z.ZodType>(schema: S) =>
  z.preprocess((value) => (value === "true" || value === "" ? true : value === "false" ? false : value), schema);

const { confirm, waitMs, ifRevision } = CommandOptions.shape;

/** Query parameters of a DELETE of one thing. */
export const DeleteQuery = z.strictObject({
  waitMs: numberParameter(waitMs),
  ifRevision: numberParameter(ifRevision).optional(),
});

/** Query parameters of a DELETE of everything. */
export const ClearQuery = z.strictObject({ ...DeleteQuery.shape, confirm: booleanParameter(confirm) });

/** Where everything that is asked for stands in the body. */
export const NoQuery = z.strictObject({});

const { name: setName, comment } = SetSpec.shape;
/** Query parameters of a new set whose entries are the lines of the body. */
export const NewSetQuery = z.strictObject({ name: setName, comment, ...ClearQuery.shape });

const MAX_PAGE = 10_000;
const limit = numberParameter(
  z.number().int().min(1, "a part has at least 1 item").max(MAX_PAGE, `a part has at most ${MAX_PAGE} items`).default(1_000),
);
/** Query parameters of a part of all rules. `after` is the `next` of the part before. */
export const RulePageQuery = z.strictObject({ after: numberParameter(z.number().int().nonnegative()).optional(), limit });
/** Query parameters of a part of a set. `after` is the `next` of the part before. */
export const SetPageQuery = z.strictObject({ after: z.string().max(64).optional(), limit });
/** Query parameters of the top talkers. */
export const TopQuery = z.strictObject({
  limit: numberParameter(z.number().int().min(1, "at least 1").max(1_000, "at most 1000").default(20)),
});

const IdParameter = z.strictObject({
  id: numberParameter(
    z.number({ error: "an id is a whole number from 1 on" }).int().positive("an id is a whole number from 1 on"),
  ),
});

/** The id in a path. @throws ProblemError invalid_input */
export function parseId(id: string): number {
  return parse(IdParameter, { id }, "the id").id;
}

const NameParameter = z.strictObject({ name: setName });

/** The name in a path. @throws ProblemError invalid_input */
export function parseName(name: string): string {
  return parse(NameParameter, { name }, "the name").name;
}
