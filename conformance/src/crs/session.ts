import { BatchBuilder, Direction, dissectFrame } from "@secuxflow/inspect-abi";
import type { Finding } from "@secuxflow/inspect-abi";
import type { ModuleInstance } from "@secuxflow/module-host";
import { tcpSession } from "@secuxflow/testkit";

const START_NS = 1_767_225_600_000_000_000n;

/** What is sent before an acknowledgement must come: less than the window that is offered at first. */
const IN_FLIGHT = 32_768;

function pieces(data: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(data.length / IN_FLIGHT) }, (_, i) => data.subarray(i * IN_FLIGHT, (i + 1) * IN_FLIGHT));
}

/** Exchanges of HTTP messages as packets through one instance of a module, each on a connection of its own. */
export class PacketSession {
  private readonly builder = new BatchBuilder({ publisher: 1n, partition: 0, maxRecords: 2_048, maxBytes: 1024 * 1024 });
  private exchanges = 0;

  constructor(private readonly instance: ModuleInstance) {}

  /** Findings of a request and its response. */
  exchange(request: Uint8Array, response: Uint8Array): Finding[] {
    const number = this.exchanges++;
    const findings: Finding[] = [];
    const flush = (): void => {
      if (this.builder.count > 0) findings.push(...this.instance.inspect(this.builder.finish(), 1));
    };
    const frames = tcpSession({
      client: { ip: `10.1.${1 + (Math.floor(number / 60_000) % 250)}.7`, port: 1_024 + (number % 60_000) },
      server: { ip: "10.2.0.5", port: 80 },
      turns: [
        ...pieces(request).map((data) => ({ from: "client" as const, data })),
        ...pieces(response).map((data) => ({ from: "server" as const, data })),
      ],
    });
    // Each exchange a second after the one before, so that nothing that counts over time sees them all at once.
    this.builder.setTimeBase(START_NS + BigInt(number) * 1_000_000_000n);
    for (const { frame, from } of frames) {
      const fields = dissectFrame(frame);
      fields.modules = 1;
      fields.direction = from === "client" ? Direction.TO_SERVER : Direction.TO_CLIENT;
      if (this.builder.append(fields, frame)) continue;
      flush();
      this.builder.append(fields, frame);
    }
    flush();
    return findings;
  }
}
