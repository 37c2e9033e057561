/** What a hidden value is replaced by. */
export const REDACTED = "[redacted]";

/** Field names whose values never reach a log, whatever they hold. */
export const REDACTED_FIELDS = ["password", "token", "secret", "authorization", "apiKey", "credentials", "seed", "privateKey"] as const;

// user:password@ in a URL; the user alone is harmless, a NATS URL may hold a token there, so both go
const URL_CREDENTIALS = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi;

/** Takes secrets out of text. */
export type Redactor = (text: string) => string;

/**
 * A function that takes secrets out of any text on its way out (log lines, health details): the given values wherever
 * they appear, plain or escaped as in JSON, and the credentials inside URLs. Longer secrets go first, so that one that
 * contains another leaves nothing of itself.
 */
export function createRedactor(secrets: readonly string[] = []): Redactor {
  const forms = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]);
  const values = [...new Set(forms)].filter((form) => form !== "").sort((a, b) => b.length - a.length);
  return (text) => values.reduce((all, value) => all.replaceAll(value, REDACTED), text).replace(URL_CREDENTIALS, `$1${REDACTED}@`);
}
