import { decodeFrame, waitFor, type Capture, type Namespace } from "@secuxflow/testkit";

/** What reaches the container, seen on its own interface: behind the filter, not in anybody's logs. */
export class Wire {
  private constructor(private readonly capture: Capture) {}

  static async at(container: Namespace): Promise<Wire> {
    return new Wire(await container.capture("eth0", { filter: ({ direction }) => direction === "in" }));
  }

  /** TCP packets from an address that have arrived so far. */
  from(address: string): number {
    return this.capture.frames.filter(({ data }) => {
      const frame = decodeFrame(data);
      return frame.ipv4?.src === address && frame.tcp !== undefined;
    }).length;
  }

  /** Waits until bytes that contain a text have arrived from an address. */
  async carried(address: string, text: string): Promise<void> {
    await waitFor(() => this.capture.frames.some(({ data }) => decodeFrame(data).ipv4?.src === address && data.includes(text)), {
      what: `${JSON.stringify(text)} from ${address} to reach the container`, deadlineMs: 5_000,
    });
  }

  async stop(): Promise<void> {
    await this.capture.stop();
  }
}
