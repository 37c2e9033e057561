import { EXIT, type ExitCode } from "./exit.js";

/** One value at fault: the flag (or argument) and what would be right. */
export interface Fault {
  readonly flag: string;
  readonly message: string;
}

/** Why a command did not do what was asked. It says what, why, and what to do next. */
export class CliError extends Error {
  override readonly name: string = "CliError";
  constructor(
    message: string,
    readonly more: {
      readonly exit?: ExitCode;
      readonly next?: string;
      readonly faults?: readonly Fault[];
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
  }

  get exit(): ExitCode {
    return this.more.exit ?? EXIT.failed;
  }
}

/** The command line is wrong; every value at fault is named at once. */
export class UsageError extends CliError {
  override readonly name = "UsageError";
  constructor(faults: readonly Fault[], next?: string) {
    const [only] = faults;
    const message = faults.length === 1 && only ? `${only.flag}: ${only.message}` : `${faults.length} values are not valid`;
    super(message, { exit: EXIT.usage, ...(faults.length > 1 ? { faults } : {}), ...(next === undefined ? {} : { next }) });
  }
}

/** The API answered with a problem document; `code` is one of the contracts' problem codes. */
export class ApiProblem extends CliError {
  override readonly name = "ApiProblem";
  constructor(
    readonly code: string,
    readonly status: number,
    message: string,
    more: CliError["more"],
  ) {
    super(message, more);
  }
}

/** No usable answer came: nobody listens, it took too long, or what answers is no rule API. */
export class ApiUnreachable extends CliError {
  override readonly name = "ApiUnreachable";
}

/** Ctrl-C, before the command was done. */
export class Interrupted extends CliError {
  override readonly name = "Interrupted";
  constructor(message: string, next?: string) {
    super(message, { exit: EXIT.interrupted, ...(next === undefined ? {} : { next }) });
  }
}
