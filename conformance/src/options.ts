import { parseArgs } from "node:util";

/** A wrong command line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface SuiteOptions {
  /** Folder with the suite's data. */
  readonly data?: string;
  /** Only tests whose id contains this. */
  readonly filter?: string;
  /** CRS: paranoia level, 1 to 4; each suite has its own default. */
  readonly paranoia?: number;
}

export interface CommandLine extends SuiteOptions {
  readonly suite: string;
  readonly json?: string;
  readonly help: boolean;
}

/** @throws UsageError */
export function parseCommandLine(args: readonly string[]): CommandLine {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        data: { type: "string" },
        json: { type: "string" },
        filter: { type: "string" },
        paranoia: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const { positionals, values } = parsed;
  if (positionals.length > 1) throw new UsageError(`one suite at a time, not ${positionals.join(" ")}`);
  if (values.paranoia !== undefined && !/^[1-4]$/.test(values.paranoia)) throw new UsageError(`--paranoia is 1 to 4, not ${JSON.stringify(values.paranoia)}`);
  return {
    suite: positionals[0] ?? "",
    help: values.help,
    ...(values.paranoia !== undefined && { paranoia: Number(values.paranoia) }),
    ...(values.data !== undefined && { data: values.data }),
    ...(values.json !== undefined && { json: values.json }),
    ...(values.filter !== undefined && { filter: values.filter }),
  };
}
