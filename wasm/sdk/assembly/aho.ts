// Aho-Corasick multi-pattern matcher as a dense automaton over byte classes (A. Aho, M. Corasick, CACM 1975). Capitals count
// as small letters. The state between two bytes is one number, so a stream is matched across segment borders by keeping it.

import { lower, reserve } from "./bytes";

/** A match: the pattern's number, and the offset just behind it within the bytes of this `scan` call. */
export type MatchFunction = (pattern: u32, end: u32) => void;

/** Builds and holds one automaton; make it at start-up. */
@unmanaged
export class Aho {
  /** u8[256]: byte → class; class 0 is every byte that no pattern has. */
  classOf: usize;
  classes: u32;
  /** u16[states * classes] */
  next: usize;
  /** u16[states]: 1 + index into the outputs, 0 for none. */
  out: usize;
  /** u16 pairs: pattern, 1 + index of the next output. */
  outputs: usize;
  states: u32;
}

const MAX_STATES: u32 = 65_535;

/**
 * Builds an automaton from `count` patterns laid out one behind the other as u16 length and bytes, starting at `patterns`
 * with `stride` bytes between a pattern's end and the next one's length. Pattern numbers count from 0.
 */
export function buildAho(patterns: usize, count: u32, stride: u32): Aho {
  const self = changetype<Aho>(reserve(offsetof<Aho>()));
  self.classOf = reserve(256);
  let total: u32 = 1;
  let at = patterns;
  let classes: u32 = 1;
  for (let i: u32 = 0; i < count; i++) {
    const len: u32 = load<u16>(at);
    for (let k: u32 = 0; k < len; k++) {
      const c = lower(load<u8>(at + 2 + k));
      if (load<u8>(self.classOf + c) == 0) {
        store<u8>(self.classOf + c, <u8>classes);
        if (c - 97 < 26) store<u8>(self.classOf + (c - 32), <u8>classes);
        classes++;
      }
    }
    total += len;
    at += 2 + len + stride;
  }
  assert(classes <= 256 && total <= MAX_STATES, "too many patterns");
  self.classes = classes;
  self.next = reserve(<usize>total * classes * 2);
  self.out = reserve(<usize>total * 2);
  self.outputs = reserve(<usize>(count + 1) * 4);
  // The trie. A pattern that is there twice gets both outputs.
  let states: u32 = 1;
  at = patterns;
  for (let i: u32 = 0; i < count; i++) {
    const len: u32 = load<u16>(at);
    let state: u32 = 0;
    for (let k: u32 = 0; k < len; k++) {
      const cell = self.next + (<usize>state * classes + load<u8>(self.classOf + lower(load<u8>(at + 2 + k)))) * 2;
      if (load<u16>(cell) == 0) {
        store<u16>(cell, <u16>states);
        states++;
      }
      state = load<u16>(cell);
    }
    store<u16>(self.outputs + <usize>i * 4, <u16>i);
    store<u16>(self.outputs + <usize>i * 4 + 2, load<u16>(self.out + <usize>state * 2));
    store<u16>(self.out + <usize>state * 2, <u16>(i + 1));
    at += 2 + len + stride;
  }
  self.states = states;
  // Failure links, breadth first; missing transitions are filled in at once, which makes it an automaton.
  const fail = reserve(<usize>states * 2);
  const queue = reserve(<usize>states * 2);
  let head: u32 = 0;
  let tail: u32 = 0;
  for (let c: u32 = 0; c < classes; c++) {
    const child: u32 = load<u16>(self.next + <usize>c * 2);
    if (child != 0) {
      store<u16>(queue + <usize>tail * 2, <u16>child);
      tail++;
    }
  }
  while (head < tail) {
    const state: u32 = load<u16>(queue + <usize>head * 2);
    head++;
    const back: u32 = load<u16>(fail + <usize>state * 2);
    // Outputs of the failure state are outputs of this one too: they go behind its own.
    let link = self.out + <usize>state * 2;
    while (load<u16>(link) != 0) link = self.outputs + <usize>(load<u16>(link) - 1) * 4 + 2;
    store<u16>(link, load<u16>(self.out + <usize>back * 2));
    for (let c: u32 = 0; c < classes; c++) {
      const cell = self.next + (<usize>state * classes + c) * 2;
      const child: u32 = load<u16>(cell);
      const over: u32 = load<u16>(self.next + (<usize>back * classes + c) * 2);
      if (child == 0) {
        store<u16>(cell, <u16>over);
      } else {
        store<u16>(fail + <usize>child * 2, <u16>over);
        store<u16>(queue + <usize>tail * 2, <u16>child);
        tail++;
      }
    }
  }
  return self;
}

/** Runs the automaton from `state` over the bytes, reports every match, and returns the state at the end. Start with 0. */
export function scan(self: Aho, state: u32, ptr: usize, len: u32, found: MatchFunction): u32 {
  const classOf = self.classOf;
  const next = self.next;
  const out = self.out;
  const classes = self.classes;
  for (let i: u32 = 0; i < len; i++) {
    state = load<u16>(next + (<usize>state * classes + load<u8>(classOf + load<u8>(ptr + i))) * 2);
    let output: u32 = load<u16>(out + <usize>state * 2);
    while (output != 0) {
      const entry = self.outputs + <usize>(output - 1) * 4;
      found(load<u16>(entry), i + 1);
      output = load<u16>(entry + 2);
    }
  }
  return state;
}
