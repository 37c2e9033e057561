/** What libbpf makes of a section's name: the type of its programs, and whether it holds global variables. Pure. */
import type { ProgramTypeName } from "../types.js";

/** Section prefixes by program type, in the order in which they are tried (the libbpf document "program_types"). */
const prefixes: readonly (readonly [string, ProgramTypeName])[] = [
  ["socket", "socket_filter"], ["sk_reuseport", "sk_reuseport"], ["kprobe", "kprobe"], ["kretprobe", "kprobe"],
  ["uprobe", "kprobe"], ["uretprobe", "kprobe"], ["ksyscall", "kprobe"], ["kretsyscall", "kprobe"], ["usdt", "kprobe"],
  ["tcx", "sched_cls"], ["tc", "sched_cls"], ["classifier", "sched_cls"], ["action", "sched_act"],
  ["raw_tracepoint.w", "raw_tracepoint_writable"], ["raw_tp.w", "raw_tracepoint_writable"],
  ["raw_tracepoint", "raw_tracepoint"], ["raw_tp", "raw_tracepoint"], ["tracepoint", "tracepoint"], ["tp_btf", "tracing"],
  ["tp", "tracepoint"], ["fentry", "tracing"], ["fexit", "tracing"], ["fmod_ret", "tracing"], ["freplace", "ext"],
  ["iter", "tracing"], ["lsm", "lsm"], ["syscall", "syscall"], ["xdp", "xdp"], ["perf_event", "perf_event"],
  ["lwt_in", "lwt_in"], ["lwt_out", "lwt_out"], ["lwt_xmit", "lwt_xmit"], ["lwt_seg6local", "lwt_seg6local"],
  ["sockops", "sock_ops"], ["sk_skb", "sk_skb"], ["sk_msg", "sk_msg"], ["lirc_mode2", "lirc_mode2"],
  ["flow_dissector", "flow_dissector"], ["cgroup_skb", "cgroup_skb"], ["cgroup/skb", "cgroup_skb"],
  ["cgroup/sock_create", "cgroup_sock"], ["cgroup/sock_release", "cgroup_sock"], ["cgroup/sock", "cgroup_sock"],
  ["cgroup/post_bind", "cgroup_sock"], ["cgroup/dev", "cgroup_device"], ["cgroup/sysctl", "cgroup_sysctl"],
  ["cgroup/getsockopt", "cgroup_sockopt"], ["cgroup/setsockopt", "cgroup_sockopt"], ["cgroup/bind", "cgroup_sock_addr"],
  ["cgroup/connect", "cgroup_sock_addr"], ["cgroup/sendmsg", "cgroup_sock_addr"], ["cgroup/recvmsg", "cgroup_sock_addr"],
  ["cgroup/getpeername", "cgroup_sock_addr"], ["cgroup/getsockname", "cgroup_sock_addr"], ["struct_ops", "struct_ops"],
  ["sk_lookup", "sk_lookup"],
];

/** Type of the programs of a section such as "xdp", "xdp.frags/devmap" or "?tc/ingress"; undefined when not known. */
export function programTypeOf(section: string): ProgramTypeName | undefined {
  const name = section.replace(/^\?/, "");
  for (const [prefix, type] of prefixes) {
    if (!name.startsWith(prefix)) continue;
    const next = name[prefix.length];
    // "tc" must not take "tcx"; "cgroup/bind" takes "cgroup/bind4".
    if (next === undefined || next === "/" || next === "." || /^\d/.test(next)) return type;
  }
  return undefined;
}

/** Kind of a section with global variables; undefined for others. */
export function dataSectionKind(section: string): "rodata" | "data" | "bss" | undefined {
  if (section === ".rodata" || section.startsWith(".rodata.")) return "rodata";
  if (section === ".data" || section.startsWith(".data.")) return "data";
  if (section === ".bss" || section.startsWith(".bss.")) return "bss";
  return undefined;
}
