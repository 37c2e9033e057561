/** What the exit code of the command says. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** Differences were found, by a command that looks for them. */
  differences: 3,
  /** What was asked for is stored, but not in force on every agent. */
  notEverywhere: 4,
  /** Ended by Ctrl-C in the middle of something that was to finish (128 + SIGINT). */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];
