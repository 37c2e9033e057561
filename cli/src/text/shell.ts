import { visible } from "./escape.js";

/**
 * Writes one argument so that a shell (bash, zsh, fish) takes it literally, whatever it holds, and a terminal shows all of it.
 * Attackers choose parts of what is suggested: nothing may run when a line is copied.
 */
export function shellQuote(argument: string): string {
  if (/^[A-Za-z0-9_./:@%+=,-]+$/.test(argument)) return argument;
  // Unsafe characters stand there as their escapes and stay so: the argument then holds the escape, not the character.
  return `'${visible(argument).replaceAll("'", "'\\''")}'`;
}

/** A command line to be copied. */
export function commandLine(words: readonly string[]): string {
  return words.map(shellQuote).join(" ");
}
