/**
 * What a controller's listeners and its nodes are given to be trusted by,
 * wherever its CA comes from.
 *
 * @module
 */
import type { CertificateAnswer } from "../../schema/peer.ts";
import type { Leaf } from "./leaf.ts";

/** A site's CA and the controller's certificate. */
export interface Trust {
  readonly caPem: string;
  /** SHA-256 of the CA, as `AB:CD:…`. */
  readonly caFingerprint: string;
  /** When the CA ends, in milliseconds since 1970. */
  readonly caNotAfter: number;
  /** Whether usher makes the listeners' certificate, and renews it. */
  readonly renewsItself: boolean;
  /**
   * When the CA ends that nodes know each other by, where that is not the site's
   * own; null where it is, or no node has needed it yet.
   */
  peerCaNotAfter(): number | null;
  /** What listeners show now. */
  leaf(): Leaf;
  /**
   * Makes a new leaf when a third of its life is left, or takes the one that
   * was put into the configured files; true when `leaf` has changed.
   */
  renewIfDue(now: number): Promise<boolean>;
  /** Signs a node's public key, for what nodes say to each other. */
  signPeer(
    node: string,
    publicKeyPem: string,
    now: number,
  ): Promise<CertificateAnswer>;
}
