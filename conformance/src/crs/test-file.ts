import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";

const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const Input = z.looseObject({
  method: text.default("GET"),
  uri: text.default("/"),
  version: text.default("HTTP/1.1"),
  headers: z.record(z.string(), z.union([text, z.null()])).nullish(),
  data: z.union([text, z.array(text)]).nullish(),
  encoded_request: z.string().nullish(),
  autocomplete_headers: z.boolean().nullish(),
  stop_magic: z.boolean().nullish(),
});
export type Input = z.output<typeof Input>;

const Output = z.looseObject({
  status: z.union([z.number(), z.array(z.number())]).nullish(),
  expect_error: z.boolean().nullish(),
  response_contains: z.string().nullish(),
  log: z
    .looseObject({
      expect_ids: z.array(z.number()).nullish(),
      no_expect_ids: z.array(z.number()).nullish(),
      match_regex: z.string().nullish(),
      no_match_regex: z.string().nullish(),
    })
    .nullish(),
  // What older files write instead.
  log_contains: z.string().nullish(),
  no_log_contains: z.string().nullish(),
});
export type Output = z.output<typeof Output>;

const Stage = z.looseObject({ input: Input, output: Output });
const Document = z.looseObject({
  rule_id: z.number().optional(),
  tests: z.array(
    z.looseObject({
      test_id: z.number().optional(),
      test_title: text.optional(),
      stages: z.array(z.union([Stage, z.looseObject({ stage: Stage }).transform(({ stage }) => stage)])),
    }),
  ),
});

export interface CrsTest {
  /** `942100-3` */
  readonly id: string;
  readonly stages: readonly { readonly input: Input; readonly output: Output }[];
}

/**
 * Tests of one file of CRS's regression tests (github.com/coreruleset/ftw-tests-schema).
 * @throws Error when it is not of that form
 */
export function readCrsTests(file: string): CrsTest[] {
  const document = Document.parse(parse(readFileSync(file, "utf8"), { maxAliasCount: -1 }));
  const rule = document.rule_id ?? Number(/(\d{6})/.exec(file)?.[1] ?? 0);
  return document.tests.map(({ test_id, test_title, stages }) => ({ id: test_title ?? `${rule}-${test_id ?? 0}`, stages }));
}
