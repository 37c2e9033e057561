import { SecLangError } from "./errors.js";
import type { Settings } from "./ir.js";
import type { Word } from "./lexer.js";

/** What holds when no directive says otherwise. */
export function defaultSettings(): Settings {
  return {
    engine: "on", requestBodyAccess: true, responseBodyAccess: true, requestBodyLimit: 13_107_200,
      requestBodyNoFilesLimit: 1_048_576,
    responseBodyLimit: 524_288, responseMimeTypes: ["text/plain", "text/html", "text/xml", "application/json"],
    argumentSeparator: "&", argumentsLimit: 10_000, collectionTimeout: 3600, jsonDepthLimit: 512, component: "",
  };
}

/** Directives about logs, files and the web server: they say nothing about what is found. */
const IGNORED = new Set([
  "secauditengine", "secauditlog", "secauditlog2", "secauditlogdirmode", "secauditlogfilemode", "secauditlogformat",
    "secauditlogparts",
  "secauditlogprefix", "secauditlogrelevantstatus", "secauditlogstoragedir", "secauditlogtype", "seccachetransformations",
  "secchrootdir", "secconnengine", "secconnreadstatelimit", "secconnwritestatelimit", "seccontentinjection", "seccookieformat",
  "seccookiev0separator", "secdatadir", "secdebuglog", "secdebugloglevel", "secdisablebackendcompression", "secgeolookupdb",
  "secgsblookupdb", "secguardianlog", "sechashengine", "sechashkey", "sechashmethodrx", "sechashparam", "sechttpblkey",
  "secinterceptonerror", "secmarkerdebug", "secpcrematchlimit", "secpcrematchlimitrecursion", "secreadstatelimit",
  "secremoterules", "secremoterulesfailaction", "secrequestbodyinmemorylimit", "secrequestbodylimitaction",
  "secrequestbodyjsondepthlimitaction", "secresponsebodylimitaction", "secresponsebodymimetypesclear", "secruleinheritance",
  "secruleperftime", "secrulescript", "secsensorid", "secserversignature", "secstatusengine", "secstreaminbodyinspection",
  "secstreamoutbodyinspection", "sectmpdir", "sectmpsaveuploadedfiles", "secunicodecodepage", "secunicodemapfile", "secuploaddir",
  "secuploadfilelimit", "secuploadfilemode", "secuploadkeepfiles", "secwebappid", "secwritestatelimit", "secxmlexternalentity",
  "secargumentslimitaction", "secparsexmlintoargs",
]);

/** @throws SecLangError for directives that are none, and for values that they cannot have */
export function applySetting(settings: Settings, directive: string, name: Word, args: readonly Word[]): void {
  const first = args[0];
  const number = (): number => {
    const value = Number(first?.text);
    if (first === undefined || !/^\d{1,10}$/.test(first.text)) throw new SecLangError(`${name.text} takes a number`,
      first?.at ?? name.at);
    return value;
  };
  const onOff = (): boolean => {
    if (first === undefined || !/^(?:on|off)$/i.test(first.text)) throw new SecLangError(`${name.text} is On or Off`,
      first?.at ?? name.at);
    return first.text.toLowerCase() === "on";
  };
  switch (directive) {
    case "secrequestbodyaccess":
      settings.requestBodyAccess = onOff();
      return;
    case "secresponsebodyaccess":
      settings.responseBodyAccess = onOff();
      return;
    case "secrequestbodylimit":
      settings.requestBodyLimit = number();
      return;
    case "secrequestbodynofileslimit":
      settings.requestBodyNoFilesLimit = number();
      return;
    case "secresponsebodylimit":
      settings.responseBodyLimit = number();
      return;
    case "secresponsebodymimetype":
      settings.responseMimeTypes = args.flatMap(({ text }) => text.toLowerCase().split(/\s+/));
      return;
    case "secargumentseparator":
      if (first?.text.length !== 1) throw new SecLangError("an argument separator is one character", first?.at ?? name.at);
      settings.argumentSeparator = first.text;
      return;
    case "secargumentslimit":
      settings.argumentsLimit = number();
      return;
    case "secrequestbodyjsondepthlimit":
      settings.jsonDepthLimit = number();
      return;
    case "seccollectiontimeout":
      settings.collectionTimeout = number();
      return;
    case "seccomponentsignature":
      settings.component = first?.text ?? "";
      return;
    default:
      if (IGNORED.has(directive)) return;
      throw new SecLangError(`there is no directive ${name.text}`, name.at);
  }
}
