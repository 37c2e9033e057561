import { DurationError, parseDuration } from "@secuxflow/contracts";
import type { Env } from "./env.js";
import { UsageError, type Fault } from "./errors.js";
import type { ApiClient } from "./http/client.js";
import type { Format } from "./output/format.js";
import type { Printer } from "./output/printer.js";

/** What a command works with. */
export interface Context {
  readonly env: Env;
  readonly api: ApiClient;
  readonly format: Format;
  /** EVE events are asked for, one a line; `format` is then `json`. */
  readonly eve: boolean;
  /** Data. */
  readonly out: Printer;
  /** Messages. */
  readonly err: Printer;
}

/** Collects what is wrong with the values of a command line, so that all of it is told at once. */
export class Values {
  readonly faults: Fault[] = [];

  fault(flag: string, message: string): undefined {
    this.faults.push({ flag, message });
    return undefined;
  }

  /** A whole number within bounds; `what` names it: "a port". */
  whole(flag: string, text: string | undefined, what: string, least: number, most: number): number | undefined {
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text))
      return this.fault(flag, `${what} is a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`);
    const value = Number(text);
    if (value < least) return this.fault(flag, `${what} is at least ${least}`);
    return value > most ? this.fault(flag, `${what} is at most ${most}`) : value;
  }

  /** A duration in milliseconds within bounds. */
  duration(
    flag: string,
    text: string | undefined,
    bounds: { least?: string; most?: string; zero?: boolean } = {},
  ): number | undefined {
    if (text === undefined) return undefined;
    if (bounds.zero === true && /^0(ms|[smhdw])?$/.test(text)) return 0;
    try {
      const ms = parseDuration(text);
      if (bounds.least !== undefined && ms < parseDuration(bounds.least))
        return this.fault(flag, `it is at least ${bounds.least}`);
      if (bounds.most !== undefined && ms > parseDuration(bounds.most)) return this.fault(flag, `it is at most ${bounds.most}`);
      return ms;
    } catch (error) {
      if (!(error instanceof DurationError)) throw error;
      return this.fault(flag, error.message);
    }
  }

  /** One of some words. */
  word<const W extends string>(flag: string, text: string | undefined, words: readonly W[]): W | undefined {
    if (text === undefined) return undefined;
    return words.find((word) => word === text) ?? this.fault(flag, `${JSON.stringify(text)} is not one of ${words.join(", ")}`);
  }

  /** The id of a thing, given as a flag or as an argument. */
  id(flag: string, ...given: readonly (string | undefined)[]): number {
    const texts = given.filter((text) => text !== undefined);
    if (texts.length === 0) this.fault(flag, "which one? give its number");
    if (texts.length > 1 && new Set(texts).size > 1) this.fault(flag, `given twice: ${texts.join(" and ")}`);
    const [text] = texts;
    if (text === undefined) return 0;
    const good = /^[1-9]\d{0,14}$/.test(text);
    return good ? Number(text) : (this.fault(flag, `an id is a whole number from 1 on, not ${JSON.stringify(text)}`) ?? 0);
  }

  /** @throws UsageError when anything was wrong */
  check(): void {
    if (this.faults.length > 0) throw new UsageError(this.faults);
  }
}
