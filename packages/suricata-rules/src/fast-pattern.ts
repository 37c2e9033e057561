// Which content of a rule the prefilter looks for. Suricata's order: the one that the rule names; else, among contents that are
// not negated (negated ones only if there are no others), those in the buffers that come first in its order, of these the
// longest, and of several that long the one whose bytes are rarer.

import type { Draft } from "./draft.js";
import { bufferById } from "./buffers.js";
import { semantics } from "./errors.js";
import type { ContentMatch, FastPattern, Inspection } from "./ir.js";

/** How telling bytes are: common text least, rare bytes most; a byte that was there already counts little. */
export function strength(bytes: Uint8Array): number {
  const seen = new Set<number>();
  let score = 0;
  for (const byte of bytes) {
    if (seen.has(byte)) {
      score += 1;
      continue;
    }
    seen.add(byte);
    const letter = (byte | 32) >= 97 && (byte | 32) <= 122;
    if (letter) score += 3;
    else if (byte >= 0x21 && byte <= 0x7e) score += 4;
    else if (byte === 0 || byte === 1 || byte === 0x20 || byte === 0xff) score += 2;
    else score += 6;
  }
  return score;
}

interface Candidate {
  inspection: number;
  match: number;
  content: ContentMatch;
  priority: number;
}

/** @throws RuleError for a fast_pattern that cannot be one */
export function chooseFastPattern(draft: Draft, inspections: readonly Inspection[]): FastPattern | undefined {
  const candidates: Candidate[] = [];
  for (const [inspection, { buffer, matches, transforms }] of inspections.entries()) {
    const priority = bufferById(buffer)!.priority;
    for (const [match, content] of matches.entries()) {
      if (content.type !== "content") continue;
      const request = draft.fastPatterns.get(content);
      if (request !== undefined) {
        if (priority === 0) throw semantics(request.at, `fast_pattern: ${bufferById(buffer)!.name} cannot have one`);
        const { only, offset, length } = request;
        if (content.negated && (only || offset > 0 || length < content.bytes.length)) {
          throw semantics(request.at, "fast_pattern: a negated content can only be it as a whole, and not with only");
        }
        if (
          content.negated &&
          [content.offset, content.depth, content.distance, content.within].some((value) => value !== undefined)
        ) {
          throw semantics(
            request.at,
            "fast_pattern: a negated content can be it only without offset, depth, distance and within",
          );
        }
        if (only && [content.offset, content.depth, content.distance, content.within].some((value) => value !== undefined)) {
          throw semantics(request.at, "fast_pattern:only excludes offset, depth, distance and within");
        }
        const { nocase, negated } = content;
        return { inspection, match, bytes: content.bytes.slice(offset, offset + length), nocase, negated, only, explicit: true };
      }
      // What a transformation changes beyond recognition is still searched after it.
      if (priority > 0)
        candidates.push({ inspection, match, content, priority: transforms.length > 0 ? Math.max(priority, 2) : priority });
    }
  }
  const plain = candidates.filter(({ content }) => !content.negated);
  const pool = plain.length > 0 ? plain : candidates;
  if (pool.length === 0) return undefined;
  const first = Math.min(...pool.map(({ priority }) => priority));
  const preferred = pool.filter(({ priority }) => priority === first);
  const longest = Math.max(...preferred.map(({ content }) => content.bytes.length));
  let best: Candidate | undefined;
  let bestStrength = -1;
  for (const candidate of preferred) {
    if (candidate.content.bytes.length !== longest) continue;
    const own = strength(candidate.content.bytes);
    if (own > bestStrength) {
      best = candidate;
      bestStrength = own;
    }
  }
  const { inspection, match, content } = best!;
  return {
    inspection,
    match,
    bytes: content.bytes,
    nocase: content.nocase,
    negated: content.negated,
    only: false,
    explicit: false,
  };
}
