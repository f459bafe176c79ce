/**
 * Letting a node in: at the start of a session, and for what it asks beside
 * one.
 *
 * A node whose session lives is not asked about again: whatever becomes of the
 * plugins meanwhile, its consoles open.
 *
 * @module
 */
import type { Admission } from "../auth/admission.ts";
import { hashToken } from "../auth/sessions.ts";
import type { NodeLinks } from "../nodes/node_links.ts";

/** What letting nodes in needs. */
export interface AdmitParts {
  readonly admission: Admission;
  readonly links: NodeLinks;
}

/** What a node shows, and where it comes from. */
export interface ShownByNode {
  readonly name: string;
  readonly secret: string;
  readonly address: string;
}

/** Asks the chain about a node. Throws why it is not let in. */
export async function admitNode(
  { admission }: AdmitParts,
  { name, secret, address }: ShownByNode,
): Promise<void> {
  await admission.node({ user: name, password: secret, address });
}

/** Lets in for one request, without a look at the chain while the node's session lives. */
export async function admitBeside(
  parts: AdmitParts,
  shown: ShownByNode,
): Promise<void> {
  const link = parts.links.get(shown.name);
  const isKnown = link?.session != null &&
    link.secretHash === hashToken(shown.secret);
  if (!isKnown) await admitNode(parts, shown);
}
