import type { Backend } from "@secuxflow/contracts";

/** What a backend looks like on the command line. */
export const BACKEND_FORM = "ADDRESS[:PORT][,weight=NUMBER], as 10.0.0.7:8080,weight=2 or [2001:db8::7]:8080";

/** In brackets, without colons, or an IPv6 address without a port: there the last part could not be told from one. */
const PATTERN = /^(?:\[(?<bracketed>[^\]]+)\]|(?<plain>[^:,[\]]+)|(?<v6>[^,[\]]*:[^,[\]]*:[^,[\]]*))(?<port>:\d{1,5})?(?<weight>,weight=\d{1,5})?$/;

/** A backend as it is asked for. */
export type BackendInput = Pick<Backend, "address"> & Partial<Backend>;

/** Reads "10.0.0.7:8080,weight=2"; undefined when it is nothing of the kind. The address itself is checked elsewhere. */
export function parseBackend(text: string): BackendInput | undefined {
  const { bracketed, plain, v6, port, weight } = PATTERN.exec(text)?.groups ?? {};
  const address = bracketed ?? plain ?? v6;
  if (address === undefined) return undefined;
  return {
    address,
    ...(port === undefined ? {} : { port: Number(port.slice(1)) }),
    ...(weight === undefined ? {} : { weight: Number(weight.slice(",weight=".length)) }),
  };
}

/** Writes a backend as it is read. */
export function formatBackend({ address, port, weight = 1 }: BackendInput): string {
  const at = port === undefined ? address : address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  return weight === 1 ? at : `${at},weight=${weight}`;
}
