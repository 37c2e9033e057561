/** Finding the verifier's words in libbpf's log. Pure. */

export interface VerifierLog {
  program: string;
  /** The verifier's log, whole. */
  log: string;
}

const BEGIN = /(?:^|\n)(?:libbpf: )?prog '([^']*)': -- BEGIN PROG LOAD LOG --\n/;
const END = "-- END PROG LOAD LOG --";

/** The verifier log in what libbpf printed during a load; undefined when there is none. */
export function findVerifierLog(libbpfLog: string): VerifierLog | undefined {
  const begin = BEGIN.exec(libbpfLog);
  if (begin === null) return undefined;
  const from = begin.index + begin[0].length;
  const end = libbpfLog.indexOf(END, from);
  return { program: begin[1] ?? "", log: libbpfLog.slice(from, end < 0 ? undefined : end) };
}

/** Lines that say how much was done, not what is wrong. */
const statistics = /^(processed \d+ insns|verification time|stack depth|mark_precise|max_states|\s*$)/;
const instruction = /^\s*(\d+): \([0-9a-f]{2}\) (.*?)(?:\s*;.*)?$/;
const source = /^; (.*?)(?: @ (\S+:\d+))?$/;

const state = /^\s*(R\d+(_w)?=|\d+: (R\d+|\(|$)|from \d+ to \d+|arg#)/;

/** The lines up to `last` that are neither instructions, states nor source, at most three: what the verifier complains of. */
function complaintOf(lines: readonly string[], last: number): string {
  const parts: string[] = [];
  for (let index = last; index >= 0 && parts.length < 3; index--) {
    const line = lines[index] ?? "";
    if (parts.length > 0 && (instruction.test(line) || source.test(line) || state.test(line) || line.trim() === "")) break;
    parts.unshift(line.trim());
  }
  return parts.join("; ");
}

/**
 * One paragraph: the verifier's complaint, the instruction and the source line it is about.
 * @param log the whole log of one program
 */
export function summariseVerifierLog(program: string, log: string): string {
  const lines = log.split("\n").map((line) => line.trimEnd());
  let last = lines.length - 1;
  while (last >= 0 && statistics.test(lines[last] ?? "")) last--;
  if (last < 0) return `the verifier refused program "${program}" without a word`;
  const complaint = complaintOf(lines, last);
  let at = "";
  let line = "";
  for (let index = last; index >= 0 && (at === "" || line === ""); index--) {
    const text = lines[index] ?? "";
    const asInstruction = instruction.exec(text);
    if (at === "" && asInstruction !== null) at = `instruction ${asInstruction[1] ?? "?"} (${asInstruction[2] ?? ""})`;
    const asSource = source.exec(text);
    if (line === "" && asSource !== null) {
      line = `"${(asSource[1] ?? "").trim()}"${asSource[2] === undefined ? "" : ` at ${asSource[2]}`}`;
    }
  }
  const amount = lines.map((text) => /^processed (\d+) insns/.exec(text)?.[1]).find((count) => count !== undefined);
  return `the verifier refused program "${program}": ${complaint}` + (at === "" ? "" : `, at ${at}`) +
    (line === "" ? "" : `, source line ${line}`) + (amount === undefined ? "" : ` (after ${amount} instructions)`) + ".";
}
