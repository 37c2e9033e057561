/** Names and texts of error numbers: the system's, the kernel's internal ones, and libbpf's own (4000 and up). */
import { constants } from "node:os";
import { getSystemErrorMap } from "node:util";

/** Error numbers that the code compares with. */
export const Errno = {
  EPERM: 1, ENOENT: 2, EBADF: 9, ENOMEM: 12, EACCES: 13, EBUSY: 16, EEXIST: 17, ENODEV: 19, EINVAL: 22, ENOSPC: 28,
  ERANGE: 34, ENOSYS: 38, EOPNOTSUPP: 95, EPROTOTYPE: 91, ESTALE: 116, ENOTSUPP: 524,
} as const;

const libbpfErrors: Record<number, readonly [string, string]> = {
  4000: ["LIBBPF_LIBELF", "libelf failed"],
  4001: ["LIBBPF_FORMAT", "not a valid BPF object"],
  4002: ["LIBBPF_KVERSION", "the version section is missing or wrong"],
  4003: ["LIBBPF_ENDIAN", "the object has the other byte order"],
  4004: ["LIBBPF_INTERNAL", "internal error of libbpf"],
  4005: ["LIBBPF_RELOC", "relocation failed"],
  4006: ["LIBBPF_LOAD", "the program was not loaded, reason unknown"],
  4007: ["LIBBPF_VERIFY", "the verifier refused the program"],
  4008: ["LIBBPF_PROG2BIG", "the program is too big"],
  4009: ["LIBBPF_KVER", "wrong kernel version"],
  4010: ["LIBBPF_PROGTYPE", "the kernel does not have this program type"],
  4011: ["LIBBPF_WRNGPID", "netlink message of another process"],
  4012: ["LIBBPF_INVSEQ", "netlink sequence mismatch"],
  4013: ["LIBBPF_NLPARSE", "netlink message cannot be parsed"],
};

const names = new Map<number, string>();
for (const [name, number] of Object.entries(constants.errno)) if (!names.has(number)) names.set(number, name);
names.set(Errno.EOPNOTSUPP, "EOPNOTSUPP"); // shares its number with ENOTSUP
names.set(11, "EAGAIN"); // shares its number with EWOULDBLOCK
names.set(Errno.ENOTSUPP, "ENOTSUPP");

/** Name of a positive error number, such as "EPERM"; "ERRNO_<n>" for one that is not known. */
export function errnoName(errno: number): string {
  return libbpfErrors[errno]?.[0] ?? names.get(errno) ?? `ERRNO_${errno}`;
}

/** What a positive error number means, in words. */
export function errnoText(errno: number): string {
  const known = libbpfErrors[errno]?.[1] ?? getSystemErrorMap().get(-errno)?.[1];
  if (known !== undefined) return known;
  return errno === Errno.ENOTSUPP ? "operation not supported (number used inside the kernel)" : `error number ${errno}`;
}
