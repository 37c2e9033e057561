import type { Transport } from "./http/transport.js";

/** Where text goes. */
export interface Sink {
  /** Bytes are written as they are. */
  write(text: string | Uint8Array): void;
  readonly isTTY: boolean;
  /** Width in columns; undefined where there is none (a file, a pipe). */
  readonly columns: number | undefined;
  readonly rows: number | undefined;
}

/** Everything a command takes from its process, so that each one can be tested in-process. */
export interface Env {
  /** Data. */
  readonly stdout: Sink;
  /** Messages. */
  readonly stderr: Sink;
  /** Asks the person at the terminal; undefined where nobody can be asked or nobody answers. */
  readonly ask: ((question: string) => Promise<string | undefined>) | undefined;
  getenv(name: string): string | undefined;
  /** Reads a text file; "-" is stdin. @throws Error (ENOENT, EACCES, …) */
  readFile(path: string): Promise<string>;
  /** Writes a file that only its owner may read, over what is there. @throws Error (EACCES, …) */
  writeFile(path: string, bytes: Uint8Array): Promise<void>;
  readonly request: Transport;
  /** Wall clock, ms since 1970. */
  now(): number;
  /** Resolves after `ms`, or at once when aborted. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Aborted by Ctrl-C or SIGTERM, or when nobody reads stdout any more. */
  readonly signal: AbortSignal;
  /** Name of the caller for the audit trail, where the system tells one. */
  readonly user: string | undefined;
  readonly version: string;
}
