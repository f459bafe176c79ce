/**
 * Looking at one domain by itself: with what it was started with, which is more
 * than its reports tell.
 *
 * @module
 */
import type { DomainReport } from "../driver.ts";
import { absent } from "../absent.ts";
import type { Domain } from "./domain.ts";

/** How `domain` is now, and what it was started with where its handle says so. */
export async function inspected(
  domain: Domain | undefined,
  uid: string,
): Promise<DomainReport> {
  if (domain === undefined) return absent(uid);
  const report = await domain.look();
  const { spec } = domain.handle;
  return spec === null ? report : { ...report, spec };
}
