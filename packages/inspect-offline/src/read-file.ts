import { closeSync, openSync, readSync } from "node:fs";

const CHUNK = 1024 * 1024;
const PAUSE_MS = 10;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Bytes read into the chunk; 0 at the end. Standard input may have been made non-blocking: then it is waited for here. */
function readSome(fd: number, chunk: Uint8Array): number {
  for (;;) {
    try {
      return readSync(fd, chunk);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EOF") return 0;
      if (code !== "EAGAIN") throw error;
      Atomics.wait(sleeper, 0, 0, PAUSE_MS);
    }
  }
}

/** Pieces of a file, read as they are asked for; `-` is standard input. Closed when the reader ends or gives up. */
export function* chunksOfFile(path: string): Generator<Uint8Array> {
  const fd = path === "-" ? 0 : openSync(path, "r");
  try {
    for (;;) {
      const chunk = new Uint8Array(CHUNK);
      const count = readSome(fd, chunk);
      if (count === 0) return;
      yield chunk.subarray(0, count);
    }
  } finally {
    if (fd !== 0) closeSync(fd);
  }
}
