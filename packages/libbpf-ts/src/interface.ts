/** Network interfaces, possibly in another network namespace. */
import { interfaceName, nonEmpty } from "./arguments.js";
import { Errno } from "./errno.js";
import { bpfError, type BpfErrorDetails } from "./errors.js";
import { type Answer, native } from "./native.js";

export interface NetnsOptions {
  /**
   * Path of a network namespace such as /run/netns/x. The calling thread enters it for the call alone and returns in every
   * case; should returning fail, the process aborts rather than go on in the wrong namespace.
   */
  netns?: string;
}

/** `eth0` or `eth0 in /run/netns/x`, for messages. */
export function interfaceLabel(ifname: string, options: NetnsOptions): string {
  return options.netns === undefined ? `interface ${ifname}` : `interface ${ifname} in ${options.netns}`;
}

/** The namespace argument for the addon. */
export function netnsArgument(options: NetnsOptions): string | null {
  return options.netns === undefined ? null : nonEmpty(options.netns, "netns");
}

/** Error details of an answer: names the step that failed. Only for a negative rc. */
export function answerDetails(answer: Answer, operation: string, operand: string, log = ""): BpfErrorDetails {
  const details: BpfErrorDetails = { errno: -answer.rc, operation, operand, log };
  if (answer.step === "netns") {
    const missing = answer.rc === -Errno.ENOENT;
    details.advice = missing ? "The network namespace does not exist (ip netns list)."
      : answer.rc === -Errno.EINVAL ? "The path is not a network namespace."
      : "The network namespace cannot be entered; that needs root or CAP_SYS_ADMIN.";
  } else if (answer.step === "interface") {
    details.advice = "There is no such interface in that network namespace (ip link).";
  }
  return details;
}

/** Throws when the answer is an error. */
export function checkAnswer(answer: Answer, operation: string, operand: string, log = ""): void {
  if (answer.rc < 0) throw bpfError(answerDetails(answer, operation, operand, log));
}

/** Index of an interface. @throws {BpfError} ENODEV: there is none; ENOENT: no such namespace */
export function ifIndex(ifname: string, options: NetnsOptions = {}): number {
  const answer = native().interfaceIndex(interfaceName(ifname), netnsArgument(options));
  checkAnswer(answer, "interface index", interfaceLabel(ifname, options));
  return answer.ifindex ?? 0;
}
