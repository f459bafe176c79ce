/**
 * How nodes know each other when they move a VM: by certificates that the
 * controller signs, each for one node and for nothing else.
 *
 * A node is called `NODE.node.usher.internal` in its certificate, and by no
 * address: no controller and no other server has such a name, so a node's
 * certificate can never be taken for one of theirs, though the same CA signed
 * it.
 *
 * @module
 */
import { z } from "zod";
import { NodeName } from "./name.ts";

/** The name by which a node's certificate is checked. */
export function peerHost(node: string): string {
  return `${node}.node.usher.internal`;
}

/** The distinguished name of a node's certificate, as RFC 4514 writes it. */
export function peerSubject(node: string): string {
  return `CN=${node}`;
}

/** What a node sends to get a certificate for its own name. */
export const CertificateRequest = z.object({
  name: NodeName,
  secret: z.string(),
  /** The public half of its key, SPKI in PEM; who asks is told by the secret alone. */
  publicKey: z.string().max(4096),
});
/** What a node sends to get a certificate for its own name. */
export type CertificateRequest = z.infer<typeof CertificateRequest>;

/** A node's certificate, and the CA that all of them are checked by; both PEM. */
export const CertificateAnswer = z.object({
  certificate: z.string(),
  ca: z.string(),
});
/** A node's certificate, and the CA that all of them are checked by; both PEM. */
export type CertificateAnswer = z.infer<typeof CertificateAnswer>;
