import type { Context } from "../context.js";
import { CliError } from "../errors.js";
import { EXIT, type ExitCode } from "../exit.js";
import { printDocument, printOfMany } from "./format.js";
import type { Span } from "./printer.js";

/** One look at something: the document, and the lines made of it for people. */
export interface View {
  readonly document: object;
  readonly lines: () => readonly (readonly Span[])[];
}

/** Default of `--watch` without an interval. */
export const DEFAULT_WATCH = "2s";

/** Shows something once, or again and again until Ctrl-C. Once it was seen, an API that is away is said and waited for. */
export async function show(context: Context, intervalMs: number | undefined, look: () => Promise<View>): Promise<ExitCode> {
  const { env, format, out, err } = context;
  if (intervalMs === undefined) {
    const { document, lines } = await look();
    await printDocument(out, format, document, lines);
    return EXIT.done;
  }
  const onScreen = format === "table" && out.isTTY;
  let shown: readonly (readonly Span[])[] = [];
  let seen = false;
  while (!env.signal.aborted) {
    try {
      const { document, lines } = await look();
      if (format !== "table") await printOfMany(out, format, document);
      else {
        shown = lines();
        if (onScreen && !seen) out.clear();
        if (onScreen) out.screen([...shown, [], [{ text: "Ctrl-C ends", style: "dim" }]]);
        else out.lines(seen ? [[], ...shown] : shown);
      }
      seen = true;
    } catch (error) {
      if (env.signal.aborted) break;
      if (!(error instanceof CliError) || !seen) throw error;
      if (onScreen) out.screen([...shown, [], [{ text: error.message, style: "red" }]]);
      else err.line(`${error.message}; trying again`);
    }
    await env.sleep(intervalMs, env.signal);
  }
  return EXIT.done;
}
