/**
 * How many permits an owner holds after a claim: what it asked for as far as there is room beside the others, but never fewer than it held
 * unless it asks for fewer, since calls are under way with those.
 * @param held - what it held before; 0 when its lease has lapsed.
 * @param heldByOthers - those whose leases have not lapsed.
 * @public
 */
export function permitsAfterClaim(
  held: number,
  heldByOthers: number,
  claim: { readonly count: number; readonly limit: number },
): number {
  if (claim.count <= held) return claim.count;
  return Math.max(held, Math.min(claim.count, claim.limit - heldByOthers));
}
