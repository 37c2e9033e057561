/** What a body may be long, where nothing else is said. */
export const BODY_LIMIT_BYTES = 1024 * 1024;
/** Rules of the largest policy. */
export const IMPORT_LIMIT_BYTES = 64 * 1024 * 1024;

/** Modules and rule images, in base64. */
const PUSH = /^\/v1\/modules(?:\/[^/]+\/rules)?$/;
const LINES = /^\/v1\/sets(?:\/[^/]+\/entries)?$/;
const pathOf = (url: string): string => url.split("?")[0] ?? url;

/** Bytes that a JSON body may have, by path. */
export const bodyLimitOf = (url: string): number => 
  pathOf(url) === "/v1/rules/import" || PUSH.test(pathOf(url)) ? IMPORT_LIMIT_BYTES : BODY_LIMIT_BYTES;

/** Whether a path takes text of one entry a line as well as JSON. */
export const takesLines = (url: string): boolean => LINES.test(pathOf(url));
