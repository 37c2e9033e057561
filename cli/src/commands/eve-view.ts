// What a module tells in EVE's terms, for people. Only what is a text or a number is taken; the printer escapes it.

type Members = Readonly<Record<string, unknown>>;

const MOST = 500;

const members = (value: unknown): Members => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {});

function textOf(value: unknown): string | undefined {
  if (typeof value === "number") return String(value);
  return typeof value === "string" && value !== "" ? value.slice(0, MOST) : undefined;
}

/** Some values as one text; undefined when there is none. */
function joined(...values: readonly unknown[]): string | undefined {
  const texts = values.map(textOf).filter((text) => text !== undefined);
  return texts.length === 0 ? undefined : texts.join(" ");
}

/** Titles and texts; undefined where there is nothing to say. */
export interface EveView {
  readonly request: string | undefined;
  readonly host: string | undefined;
  readonly userAgent: string | undefined;
  /** Everything else that has a title. */
  readonly more: readonly (readonly [title: string, text: string])[];
}

/** Reads the `eve` of a detection. */
export function viewEve(text: string | undefined): EveView {
  let all: Members = {};
  try {
    all = members(JSON.parse(text ?? "{}"));
  } catch {
    // What cannot be read is not shown; -o json has it.
  }
  const [http, dns, tls, ssh, smtp] = ["http", "dns", "tls", "ssh", "smtp"].map((name) => members(all[name]));
  const queries = Array.isArray(dns?.queries) ? dns.queries : Array.isArray(dns?.query) ? dns.query : [];
  const [query] = queries.map(members);
  const file = members(Array.isArray(all.files) ? all.files[0] : undefined);
  const more = [
    ["protocol", joined(all.app_proto)],
    ["answer", joined(http?.status, http?.http_content_type)],
    ["query", joined(query?.rrname ?? dns?.rrname, query?.rrtype ?? dns?.rrtype)],
    ["server name", joined(tls?.sni)],
    ["certificate", joined(tls?.subject)],
    ["ja3 / ja4", joined(members(tls?.ja3).hash, tls?.ja4)],
    ["ssh client", joined(members(ssh?.client).software_version)],
    ["mail from", joined(smtp?.mail_from)],
    ["file", joined(file.filename)],
  ] as const;
  return {
    request: joined(http?.http_method, http?.url),
    host: joined(http?.hostname),
    userAgent: joined(http?.http_user_agent),
    more: more.flatMap(([title, value]) => (value === undefined ? [] : [[title, value] as const])),
  };
}
