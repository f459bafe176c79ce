/**
 * What a guest is known by on its wire and in its firmware: the same at every
 * start, on every node, and under every driver, so that none of it is kept.
 *
 * @module
 */

/**
 * The MAC of a VM's card that names none: the same at every start, on every
 * node. Locally administered; 40 bits of hash, so that a hundred thousand VMs
 * on one wire are not expected to collide.
 */
export function stableMac(uid: string, index: number): string {
  const hash = fnv1a64(`${uid}/${index}`);
  const bytes = [4, 3, 2, 1, 0].map((at) =>
    Number((hash >> BigInt(at * 8)) & 0xffn)
  );
  return [0x52, ...bytes].map((byte) => byte.toString(16).padStart(2, "0"))
    .join(":");
}

function fnv1a64(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffff_ffff_ffff_ffffn;
  }
  // Folded, since the low bits of FNV are its weak ones.
  return hash ^ (hash >> 40n);
}

const CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz";

/** A uid's 128 bits as the UUID that the guest sees. */
export function uuidOfUid(uid: string): string {
  let bits = 0n;
  for (const digit of uid) {
    bits = (bits << 5n) | BigInt(Math.max(CROCKFORD.indexOf(digit), 0));
  }
  const hex = BigInt.asUintN(128, bits).toString(16).padStart(32, "0");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The uid whose bits a UUID has; what `uuidOfUid` made is given back. */
export function uidOfUuid(uuid: string): string {
  let bits = BigInt(`0x${uuid.replaceAll("-", "")}`);
  let uid = "";
  for (let digit = 0; digit < UID_DIGITS; digit++) {
    uid = CROCKFORD[Number(bits & 31n)] + uid;
    bits >>= 5n;
  }
  return uid;
}

const UID_DIGITS = 26;
