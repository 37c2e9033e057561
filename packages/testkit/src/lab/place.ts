import type { Child, ChildOptions } from "../process/child.js";
import type { CommandOptions, CommandResult } from "../process/command.js";

/** What the parts of the lab need of a namespace: its names, and to run things in it. */
export type Place = {
  /** Its name in the lab, as "client". */
  readonly name: string;
  /** Its name for `ip netns`, unique on the machine. */
  readonly netns: string;
  exec(command: string, args?: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  start(options: ChildOptions): Promise<Child>;
  sysctl(name: string, value: string | number): Promise<void>;
};
