// Exclusions: what an operator has called a false alarm, as SecLang that keeps one rule from looking at one place on one path, for
// a time.

/** A rule that is not to look at one place, or not to run at all, for requests to one path. */
export interface Exclusion {
  /** Rule id. */
  readonly rule: number;
  /** `ARGS:q`; without it the rule does not run on the path. */
  readonly target?: string;
}

/** Exclusions that are written at once. */
export interface ExclusionGroup {
  readonly exclusions: readonly Exclusion[];
  /** Decoded path as in REQUEST_FILENAME, without query. */
  readonly path: string;
  /** Unix time in seconds from which on they are void. */
  readonly expires: number;
  /** Why, for people; line breaks become spaces. */
  readonly note: string;
}

/** Ids of rules that exclusions are written as. */
export const EXCLUSION_IDS = { first: 9_190_000, last: 9_199_999 } as const;

const TARGET = /^[A-Z_]+(?::[^\s"'`,;|\\]{1,256})?$/;

/**
 * What an alert of the waf module suggests: its attribute `exclusion`, a directive a line.
 * @returns nothing for lines that are no such directive
 */
export function suggestedExclusions(text: string): Exclusion[] {
  return text.split("\n").flatMap((line): Exclusion[] => {
    const [, update, target] = /^SecRuleUpdateTargetById (\d{1,10}) "!([^"]+)"$/.exec(line.trim()) ?? [];
    if (update !== undefined && target !== undefined) return [{ rule: Number(update), ...(TARGET.test(target) && { target }) }];
    const [, remove] = /^SecRuleRemoveById (\d{1,10})$/.exec(line.trim()) ?? [];
    return remove === undefined ? [] : [{ rule: Number(remove) }];
  });
}

/** The path that rules see of a request's address: without scheme, host and query, percent-decoded once. */
export function pathOf(uri: string): string {
  const path = uri.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "").replace(/[?#].*$/s, "");
  const bytes = Buffer.from(path === "" ? "/" : path, "utf8").toString("latin1")
    .replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** The lowest id that no rule of the text has. @throws RangeError when all are taken */
export function freeExclusionId(text: string): number {
  const taken = new Set([...text.matchAll(/\bid:(\d{1,10})/g)].map(([, id]) => Number(id)));
  for (let id: number = EXCLUSION_IDS.first; id <= EXCLUSION_IDS.last; id++) if (!taken.has(id)) return id;
  throw new RangeError("all ids for exclusions are taken: take expired ones out of the file");
}

/**
 * The group as SecLang: a rule of phase 1, which has to come before the rules that it is about. It is void by itself when it has
 * expired.
 */
export function renderExclusions(group: ExclusionGroup, id: number): string {
  const until = new Date(group.expires * 1000).toISOString();
  const effects = group.exclusions.map(({ rule, target }) =>
    target === undefined ? `ctl:ruleRemoveById=${rule}` : `ctl:ruleRemoveTargetById=${rule};${target}`);
  return [
    `# Until ${until}: ${oneLine(group.note)}`,
    `SecRule REQUEST_FILENAME "@rx ^${escaped(group.path)}$" "id:${id},phase:1,t:none,pass,nolog,chain"`,
    `    SecRule TIME_EPOCH "@lt ${group.expires}" "t:none,${[...new Set(effects)].join(",")}"`,
    "",
  ].join("\n");
}

const oneLine = (text: string): string => text.replace(/[\s\u0000-\u001f]+/g, " ").replace(/\\$/, "").trim();

/** Text for a regular expression within quotes: all but plain letters as bytes. */
function escaped(path: string): string {
  return [...Buffer.from(path, "utf8")].map((byte) => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9/_-]/.test(char) ? char : `\\x${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}
