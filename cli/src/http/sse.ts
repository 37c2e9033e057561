/** One event of a stream of server-sent events. */
export interface SseEvent {
  readonly type: string;
  readonly data: string;
}

/** Longest event that is taken, in characters. */
const MAX_EVENT = 1024 * 1024;

/** An event stream with an event longer than there may be. */
export class SseTooLong extends Error {
  override readonly name = "SseTooLong";
}

/**
 * Reads server-sent events (WHATWG HTML, section 9.2.6) from pieces of text cut anywhere.
 * `heard` is called for every piece, comments and heartbeats included.
 */
export async function* sseEvents(pieces: AsyncIterable<string>, heard: () => void = () => undefined): AsyncGenerator<SseEvent> {
  let rest = "";
  let type = "";
  let data: string[] = [];
  let size = 0;
  let first = true;
  let afterReturn = false;
  for await (const piece of pieces) {
    heard();
    let text = piece;
    if (first && text !== "") {
      text = text.replace(/^\ufeff/, "");
      first = false;
    }
    // CRLF is one line end, also when it is cut in two.
    if (afterReturn && text.startsWith("\n")) text = text.slice(1);
    if (piece !== "") afterReturn = piece.endsWith("\r");
    const lines = (rest + text).split(/\r\n|\n|\r/);
    rest = lines.pop() ?? "";
    if (rest.length > MAX_EVENT) throw new SseTooLong(`a line of the event stream is longer than ${MAX_EVENT} characters`);
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) yield { type: type === "" ? "message" : type, data: data.join("\n") };
        type = "";
        data = [];
        size = 0;
        continue;
      }
      const colon = line.indexOf(":");
      const field = colon === -1 ? line : line.slice(0, colon);
      const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") type = value;
      else if (field === "data") {
        data.push(value);
        size += value.length + 1;
        if (size > MAX_EVENT) throw new SseTooLong(`an event of the stream is longer than ${MAX_EVENT} characters`);
      }
    }
  }
}
