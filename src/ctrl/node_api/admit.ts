/**
 * Letting a node in: at the start of a session, and for what it asks beside
 * one.
 *
 * A node whose session lives is not asked about again: whatever becomes of the
 * plugins meanwhile, its consoles open. One that is turned away is noted in the
 * audit log, each time that it is: its secret may be a guess.
 *
 * @module
 */
import { isLabel } from "../../schema/name.ts";
import { type AuditSink, whyOf } from "../audit/sink.ts";
import type { Admission } from "../auth/admission.ts";
import { hashToken } from "../auth/sessions.ts";
import type { NodeLinks } from "../nodes/node_links.ts";

/** What letting nodes in needs. */
export interface AdmitParts {
  readonly admission: Admission;
  readonly links: NodeLinks;
  readonly audit: AuditSink;
}

/** What a node shows, and where it comes from. */
export interface ShownByNode {
  readonly name: string;
  readonly secret: string;
  readonly address: string;
}

/** Asks the chain about a node, then lets it in by `enter`. Throws why it is not. */
export async function admitNode<T>(
  { admission, audit }: Pick<AdmitParts, "admission" | "audit">,
  { name, secret, address }: ShownByNode,
  enter: () => T,
): Promise<T> {
  try {
    await admission.node({ user: name, password: secret, address });
    return enter();
  } catch (error) {
    audit.note({
      user: "",
      via: "node",
      address,
      verb: "lnm_authenticate",
      // Whoever is turned away may say anything.
      names: isLabel(name) ? [name] : [],
      ...whyOf(error),
    });
    throw error;
  }
}

/** Lets in for one request, without a look at the chain while the node's session lives. */
export async function admitBeside(
  parts: AdmitParts,
  shown: ShownByNode,
): Promise<void> {
  const link = parts.links.get(shown.name);
  const isKnown = link?.session != null &&
    link.secretHash === hashToken(shown.secret);
  if (!isKnown) await admitNode(parts, shown, () => {});
}
