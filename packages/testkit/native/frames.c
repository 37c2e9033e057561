// SPDX-License-Identifier: Apache-2.0
/*
 * Raw frames of one network device, and the XDP probe. Runs inside a network namespace of a test.
 *
 *   frames send DEV [REPEAT [PPS]]  frames from stdin: u32 length (little-endian), bytes; prints "sent N"
 *   frames capture DEV              frames to stdout: struct record, bytes; first an empty record once it captures;
 *                                   SIGTERM ends it and prints "captured N dropped M" to stderr
 *   frames xdp-probe                exit 0 when an XDP program can be loaded and attached to lo
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define SNAP (64 * 1024 + 64)
#define MAX_FRAME (256 * 1024)
#define MAX_INPUT (1024u * 1024 * 1024)

/* Little-endian, 24 bytes. flags: 1 outgoing, 2 checksum left to hardware, 4 cut to SNAP. */
struct record {
  uint32_t length;
  uint32_t wire_length;
  uint32_t flags;
  uint32_t reserved;
  uint64_t time_ns;
};
enum { OUTGOING = 1, CHECKSUM_NOT_READY = 2, CUT = 4 };

static int fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  return 1;
}

/* A packet socket on dev; protocol 0 receives nothing. Returns -1 with errno. */
static int open_socket(const char *dev, int protocol) {
  unsigned index = if_nametoindex(dev);
  if (index == 0) return -1;
  int fd = socket(AF_PACKET, SOCK_RAW, 0);
  if (fd < 0) return -1;
  struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(protocol), .sll_ifindex = (int)index};
  if (protocol != 0) {
    int on = 1, size = 128 * 1024 * 1024;
    struct packet_mreq promiscuous = {.mr_ifindex = (int)index, .mr_type = PACKET_MR_PROMISC};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0) return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0) return -1;
    if (setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof on) < 0) return -1;
    if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous) < 0) return -1;
  }
  return bind(fd, (struct sockaddr *)&at, sizeof at) < 0 ? -1 : fd;
}

/* ---- send ---- */

static uint8_t *read_all(size_t *length) {
  size_t room = 1 << 16, used = 0;
  uint8_t *all = malloc(room);
  while (all != NULL) {
    ssize_t got = read(0, all + used, room - used);
    if (got == 0) break;
    if (got < 0) {
      if (errno == EINTR) continue;
      return NULL;
    }
    used += (size_t)got;
    if (used > MAX_INPUT) {
      errno = EFBIG;
      return NULL;
    }
    if (used == room) all = realloc(all, room *= 2);
  }
  *length = used;
  return all;
}

/* Frames in all[0..length) as vectors; -1 when a length runs past the end. */
static long split(uint8_t *all, size_t length, struct iovec **out) {
  long count = 0;
  for (size_t at = 0; at < length; count++) {
    uint32_t size;
    if (length - at < 4) return -1;
    memcpy(&size, all + at, 4);
    if (size == 0 || size > MAX_FRAME || size > length - at - 4) return -1;
    at += 4 + (size_t)size;
  }
  struct iovec *frames = calloc((size_t)count + 1, sizeof *frames);
  if (frames == NULL) return -1;
  size_t at = 0;
  for (long i = 0; i < count; i++) {
    uint32_t size;
    memcpy(&size, all + at, 4);
    frames[i] = (struct iovec){.iov_base = all + at + 4, .iov_len = size};
    at += 4 + (size_t)size;
  }
  *out = frames;
  return count;
}

/* Sleeps until `done` frames are due at `pps`, counted from `start`. */
static void pace(const struct timespec *start, double pps, long long done) {
  double due = (double)done / pps;
  struct timespec until = *start;
  until.tv_sec += (time_t)due;
  until.tv_nsec += (long)((due - (double)(time_t)due) * 1e9);
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
  }
}

static int run_send(const char *dev, long long repeat, double pps) {
  size_t length;
  struct iovec *frames;
  int fd = open_socket(dev, 0);
  if (fd < 0) return fail(dev);
  int size = 8 * 1024 * 1024;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
  uint8_t *all = read_all(&length);
  if (all == NULL) return fail("stdin");
  long count = split(all, length, &frames);
  if (count < 0) {
    errno = EBADMSG;
    return fail("stdin");
  }
  struct mmsghdr batch[BATCH];
  struct timespec start;
  long long sent = 0, total = count * repeat;
  /* With a rate, at most 1 ms of it goes out in one burst. */
  int burst = pps > 0 && pps / 1000 < BATCH ? (pps < 1000 ? 1 : (int)(pps / 1000)) : BATCH;
  clock_gettime(CLOCK_MONOTONIC, &start);
  while (sent < total) {
    int n = 0;
    memset(batch, 0, sizeof batch);
    for (; n < burst && sent + n < total; n++) {
      batch[n].msg_hdr.msg_iov = &frames[(sent + n) % count];
      batch[n].msg_hdr.msg_iovlen = 1;
    }
    int went = sendmmsg(fd, batch, (unsigned)n, 0);
    if (went < 0) {
      if (errno == EINTR) continue;
      if (errno == ENOBUFS || errno == EAGAIN) {
        sched_yield();
        continue;
      }
      fprintf(stderr, "frame %lld of %zu bytes on %s: ", sent % count, frames[sent % count].iov_len, dev);
      return fail("send");
    }
    sent += went;
    if (pps > 0) pace(&start, pps, sent);
  }
  printf("sent %lld\n", sent);
  return 0;
}

/* ---- capture ---- */

static volatile sig_atomic_t stopping;
static void on_stop(int signal) {
  (void)signal;
  stopping = 1;
}

/* Takes no new frames; those queued can still be read. */
static void close_intake(int fd) {
  struct sock_filter nothing = {.code = BPF_RET | BPF_K, .k = 0};
  struct sock_fprog program = {.len = 1, .filter = &nothing};
  setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static int put(const void *from, size_t length) { return fwrite(from, 1, length, stdout) == length ? 0 : -1; }

/* Writes one received message; the kernel has taken an outer VLAN tag out of the bytes, so it is put back. */
static int put_frame(struct msghdr *message, const uint8_t *data, uint32_t wire_length) {
  struct record head = {.length = wire_length < SNAP ? wire_length : SNAP, .wire_length = wire_length};
  struct sockaddr_ll *from = message->msg_name;
  uint8_t tag[4];
  int tagged = 0;
  if (from->sll_pkttype == PACKET_OUTGOING) head.flags |= OUTGOING;
  if (wire_length > SNAP) head.flags |= CUT;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
      struct timespec at;
      memcpy(&at, CMSG_DATA(c), sizeof at);
      head.time_ns = (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
    } else if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA) {
      struct tpacket_auxdata aux;
      memcpy(&aux, CMSG_DATA(c), sizeof aux);
      if (aux.tp_status & TP_STATUS_CSUMNOTREADY) head.flags |= CHECKSUM_NOT_READY;
      if ((aux.tp_status & TP_STATUS_VLAN_VALID) && head.length >= 12) {
        uint16_t tpid = htons(aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : ETH_P_8021Q);
        uint16_t tci = htons(aux.tp_vlan_tci);
        memcpy(tag, &tpid, 2);
        memcpy(tag + 2, &tci, 2);
        tagged = 1;
      }
    }
  }
  uint32_t bytes = head.length;
  if (tagged) head.length += 4, head.wire_length += 4;
  if (put(&head, sizeof head) < 0) return -1;
  if (!tagged) return put(data, bytes);
  return put(data, 12) < 0 || put(tag, 4) < 0 || put(data + 12, bytes - 12) < 0 ? -1 : 0;
}

static int run_capture(const char *dev) {
  int fd = open_socket(dev, ETH_P_ALL);
  if (fd < 0) return fail(dev);
  /* The signals arrive only inside ppoll: none is missed between the look at `stopping` and the wait. */
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  sigaddset(&blocked, SIGINT);
  sigprocmask(SIG_BLOCK, &blocked, &before);
  struct sigaction action = {.sa_handler = on_stop};
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  static uint8_t data[BATCH][SNAP];
  static uint8_t control[BATCH][256];
  struct sockaddr_ll from[BATCH];
  struct iovec vectors[BATCH];
  struct mmsghdr batch[BATCH];
  struct record ready = {0};
  long long captured = 0;
  setvbuf(stdout, NULL, _IOFBF, 1 << 20);
  if (put(&ready, sizeof ready) < 0 || fflush(stdout) != 0) return fail("stdout");
  for (int closed = 0;;) {
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    if (!stopping) ppoll(&waiting, 1, NULL, &before);
    if (stopping && !closed) close_intake(fd), closed = 1;
    memset(batch, 0, sizeof batch);
    for (int i = 0; i < BATCH; i++) {
      vectors[i] = (struct iovec){.iov_base = data[i], .iov_len = SNAP};
      batch[i].msg_hdr = (struct msghdr){.msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &vectors[i],
                                         .msg_iovlen = 1, .msg_control = control[i], .msg_controllen = sizeof control[i]};
    }
    int n = recvmmsg(fd, batch, BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
    if (n < 0) {
      if (errno == EAGAIN && stopping) break;
      if (errno == EAGAIN || errno == EINTR || errno == ENETDOWN) continue;
      return fail("receive");
    }
    for (int i = 0; i < n; i++)
      if (put_frame(&batch[i].msg_hdr, data[i], batch[i].msg_len) < 0) return fail("stdout");
    captured += n;
    if (fflush(stdout) != 0) return fail("stdout");
  }
  struct tpacket_stats stats = {0};
  socklen_t size = sizeof stats;
  getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size);
  fprintf(stderr, "captured %lld dropped %u\n", captured, stats.tp_drops);
  return 0;
}

/* ---- probe ---- */

static int bpf(enum bpf_cmd command, union bpf_attr *attr) { return (int)syscall(SYS_bpf, command, attr, sizeof *attr); }

static int run_probe(void) {
  struct bpf_insn pass[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS}, {.code = BPF_JMP | BPF_EXIT}};
  union bpf_attr load = {.prog_type = BPF_PROG_TYPE_XDP, .expected_attach_type = BPF_XDP, .insn_cnt = 2,
                         .insns = (uintptr_t)pass, .license = (uintptr_t)"GPL"};
  int program = bpf(BPF_PROG_LOAD, &load);
  if (program < 0) return fail("loading an XDP program");
  union bpf_attr attach = {0};
  attach.link_create.prog_fd = (uint32_t)program;
  attach.link_create.target_ifindex = if_nametoindex("lo");
  attach.link_create.attach_type = BPF_XDP;
  attach.link_create.flags = XDP_FLAGS_SKB_MODE;
  return bpf(BPF_LINK_CREATE, &attach) < 0 ? fail("attaching an XDP program to lo by a link") : 0;
}

int main(int argc, char **argv) {
  if (argc >= 3 && argc <= 5 && strcmp(argv[1], "send") == 0)
    return run_send(argv[2], argc > 3 ? atoll(argv[3]) : 1, argc > 4 ? atof(argv[4]) : 0);
  if (argc == 3 && strcmp(argv[1], "capture") == 0) return run_capture(argv[2]);
  if (argc == 2 && strcmp(argv[1], "xdp-probe") == 0) return run_probe();
  fprintf(stderr, "usage: frames send DEV [REPEAT [PPS]] | capture DEV | xdp-probe\n");
  return 2;
}
