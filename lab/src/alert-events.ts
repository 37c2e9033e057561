import { routes, type Alert } from "@secuxflow/contracts";

/**
 * The alerts that the rule API tells of, as they are stored, until it ends the stream or the signal aborts (then it
 * throws what fetch throws). The format is server-sent events (WHATWG HTML, section 9.2): one `data:` line a block here.
 */
export async function* alertEvents(apiUrl: string, signal: AbortSignal, onOpen?: () => void): AsyncGenerator<Alert, void> {
  const response = await fetch(apiUrl + routes.alertsWatch, { signal });
  if (!response.ok || !response.body) throw new Error(`alerts cannot be watched: ${response.status}`);
  onOpen?.();
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    const blocks = (text + decoder.decode(chunk, { stream: true })).split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (data !== undefined) yield JSON.parse(data) as Alert;
    }
  }
}
