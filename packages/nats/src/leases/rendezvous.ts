/**
 * Rendezvous hashing (highest random weight; Thaler and Ravishankar, 1998): each member scores each partition, and the
 * highest score owns it. Everyone who knows the same members finds the same owner, and when a member comes or goes only
 * its own partitions move.
 *
 * @returns the owner, or undefined without members. Independent of the members' order; a tie goes to the smaller name.
 */
export function ownerOf(partition: number, members: Iterable<string>): string | undefined {
  let owner: string | undefined;
  let best = -1;
  for (const member of members) {
    const score = weight(member, partition);
    if (score > best || (score === best && owner !== undefined && member < owner)) {
      owner = member;
      best = score;
    }
  }
  return owner;
}

/** 32 bits of member and partition: FNV-1a, then the finalizer of MurmurHash3, since FNV alone mixes the last bytes badly. */
export function weight(member: string, partition: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < member.length; i++) hash = Math.imul(hash ^ member.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ 0x2f, 0x01000193);
  hash = Math.imul(hash ^ partition, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
