import type { z } from "zod";
import { inputSchema, settingsOf, type EnvMap, type Setting } from "./settings.js";

export interface DescribeOptions {
  envPrefix?: string;
  envMap?: EnvMap;
  /** `text` for a terminal (`--help`), `markdown` for a README */
  format?: "text" | "markdown";
}

/** A table of every setting: its name in the file, its environment variable, what it accepts, its default, what it is for. */
export function describeConfig(schema: z.ZodType, options: DescribeOptions = {}): string {
  const settings = settingsOf(inputSchema(schema), options.envPrefix ?? "SECUXFLOW_", options.envMap);
  const head = ["Setting", "Environment", "Accepts", "Default", "Meaning"];
  const rows = settings.map((setting) => [
    setting.field,
    setting.env.flatMap((name) => (setting.secret ? [name, `${name}_FILE`] : [name])).join(" or "),
    setting.expects,
    defaultText(setting),
    setting.description ?? "",
  ]);
  return options.format === "markdown" ? markdown(head, rows) : blocks(rows);
}

function defaultText(setting: Setting): string {
  if (setting.required) return "required";
  if (setting.default === undefined) return "none";
  if (setting.secret) return "[secret]";
  return typeof setting.default === "string" ? setting.default : JSON.stringify(setting.default);
}

function markdown(head: string[], rows: string[][]): string {
  const escape = (cell: string) => cell.replaceAll("|", "\\|");
  const line = (cells: string[]) => `| ${cells.map(escape).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Two lines a setting: five columns would not fit the 80 characters of a terminal. */
function blocks(rows: string[][]): string {
  const width = Math.max(...rows.map((row) => row[0]?.length ?? 0));
  const envWidth = Math.max(...rows.map((row) => row[1]?.length ?? 0));
  return rows
    .map(([field = "", env = "", expects = "", value = "", meaning = ""]) => {
      const first = `  ${field.padEnd(width)}  ${env.padEnd(envWidth)}  ${value}`;
      return `${first}\n  ${"".padEnd(width)}  ${[meaning, `(${expects})`].filter((part) => part !== "").join(" ")}`;
    })
    .join("\n");
}
