import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { promisify } from "node:util";
import { z } from "zod";
import type { NetworkFacts, ReadNetwork } from "../application/defence-port.js";

const SYN_COOKIES = "/proc/sys/net/ipv4/tcp_syncookies";
const TIMEOUT_MS = 5_000;
const run = promisify(execFile);

/** Of `ip -json address`, what is read. */
const IpAddresses = z.array(z.looseObject({ addr_info: z.array(z.looseObject({ local: z.string().optional() })).default([]) }));

/**
 * Addresses and settings of a network namespace. Its own are asked of the kernel directly; those of another one by
 * `nsenter` and `ip` (packages util-linux and iproute2).
 */
export const readNetwork: ReadNetwork = async (netns) => (netns === undefined ? readOwn() : readOther(netns));

async function readOwn(): Promise<NetworkFacts> {
  const addresses = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
  return { addresses, synCookies: Number(await readFile(SYN_COOKIES, "utf8")) };
}

async function readOther(netns: string): Promise<NetworkFacts> {
  const inside = async (...command: string[]): Promise<string> =>
    (await run("nsenter", [`--net=${netns}`, ...command], { timeout: TIMEOUT_MS, killSignal: "SIGKILL", encoding: "utf8" })).stdout;
  const links = IpAddresses.parse(JSON.parse(await inside("ip", "-json", "address", "show")));
  const addresses = links.flatMap((link) => link.addr_info.flatMap(({ local }) => (local === undefined ? [] : [local])));
  return { addresses, synCookies: Number(await inside("cat", SYN_COOKIES)) };
}
