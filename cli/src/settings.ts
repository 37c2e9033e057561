import { DurationError, parseDuration } from "@secuxflow/contracts";
import type { Env } from "./env.js";
import { UsageError, type Fault } from "./errors.js";
import { DEFAULT_API_PORT } from "./http/shapes.generated.js";
import { FORMATS, type Format } from "./output/format.js";

/** How the API is reached. */
export interface Connection {
  readonly url: URL;
  readonly token: string | undefined;
  readonly timeoutMs: number;
}

/** What every command takes. */
export interface Settings {
  readonly connection: Connection;
  readonly format: Format;
  readonly color: boolean;
  /** What the user should know before the command runs. */
  readonly warnings: readonly string[];
}

/** Global options as commander gives them. */
export interface GlobalOptions {
  readonly api?: string;
  readonly tokenFile?: string;
  readonly timeout?: string;
  readonly output?: string;
  readonly color?: boolean;
}

export const DEFAULT_API = `http://127.0.0.1:${DEFAULT_API_PORT}`;
export const DEFAULT_TIMEOUT = "3s";
const MAX_TIMEOUT_MS = 600_000;
const TOKEN = /^[\x21-\x7e]{1,4096}$/;

const set = (text: string | undefined): string | undefined => (text === undefined || text === "" ? undefined : text);

/** Whether styles may be used on a stream (https://no-color.org). */
export function mayColor(env: Env, option: boolean | undefined, isTTY: boolean): boolean {
  return isTTY && option !== false && set(env.getenv("NO_COLOR")) === undefined && env.getenv("TERM") !== "dumb";
}

/** The output format that is asked for, for messages that come before everything is checked. */
export function formatOf(output: string | undefined): Format | undefined {
  return FORMATS.find((format) => format === (output ?? "table"));
}

/** Reads global options and environment. @throws UsageError that names every value at fault */
export async function readSettings(options: GlobalOptions, env: Env): Promise<Settings> {
  const faults: Fault[] = [];
  const warnings: string[] = [];
  const url = apiUrl(options, env, faults);
  const timeoutMs = timeout(options.timeout ?? DEFAULT_TIMEOUT, faults);
  const token = await readToken(options, env, faults);
  const format = formatOf(options.output);
  if (format === undefined)
    faults.push({ flag: "--output", message: `${JSON.stringify(options.output)} is not one of ${FORMATS.join(", ")}` });
  if (faults.length > 0 || url === undefined || format === undefined) throw new UsageError(faults, "secuxflow-cli --help");
  if (token !== undefined && url.protocol === "http:" && !isLoopback(url.hostname)) {
    warnings.push(`the token goes to ${url.host} unencrypted: use https://`);
  }
  return { connection: { url, token, timeoutMs }, format, color: mayColor(env, options.color, env.stdout.isTTY), warnings };
}

const isLoopback = (host: string): boolean => host === "localhost" || host === "[::1]" || host.startsWith("127.");

function apiUrl({ api }: GlobalOptions, env: Env, faults: Fault[]): URL | undefined {
  const fromEnv = set(env.getenv("SECUXFLOW_API"));
  const flag = api === undefined && fromEnv !== undefined ? "SECUXFLOW_API" : "--api";
  const text = api ?? fromEnv ?? DEFAULT_API;
  const wrong = (message: string): undefined => void faults.push({ flag, message });
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return wrong(`${JSON.stringify(text)} is not a URL; write ${DEFAULT_API}`);
  }
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return wrong(`${JSON.stringify(text)} is neither http:// nor https://; write ${DEFAULT_API}`);
  if (url.username !== "" || url.password !== "")
    return wrong("a URL holds no secrets here: use --token-file or SECUXFLOW_API_TOKEN");
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "")
    return wrong(`leave out what follows the port; write ${url.origin}`);
  return url;
}

function timeout(text: string, faults: Fault[]): number {
  try {
    const ms = parseDuration(text);
    if (ms <= MAX_TIMEOUT_MS) return ms;
    faults.push({ flag: "--timeout", message: "a timeout is at most 10m" });
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    faults.push({ flag: "--timeout", message: error.message });
  }
  return 0;
}

/** The token: by file named on the command line, by environment, by file named there. It is never shown. */
async function readToken({ tokenFile }: GlobalOptions, env: Env, faults: Fault[]): Promise<string | undefined> {
  const direct = set(env.getenv("SECUXFLOW_API_TOKEN"));
  const named = tokenFile ?? (direct === undefined ? set(env.getenv("SECUXFLOW_API_TOKEN_FILE")) : undefined);
  const flag =
    tokenFile !== undefined ? "--token-file" : named !== undefined ? "SECUXFLOW_API_TOKEN_FILE" : "SECUXFLOW_API_TOKEN";
  let token = direct;
  if (named !== undefined) {
    try {
      token = (await env.readFile(named)).trim();
    } catch (error) {
      faults.push({ flag, message: `${named} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown error"})` });
      return undefined;
    }
  }
  if (token === undefined || TOKEN.test(token)) return token;
  faults.push({ flag, message: "a token is one line of 1 to 4096 visible ASCII characters" });
  return undefined;
}
