/**
 * What a driver is told of other nodes: how they reach this one, and what it
 * shows them. Part of the contract in `driver.ts`.
 *
 * It names no hypervisor's own form of a certificate, since three of them take
 * it in three: a folder, a path each, or a stream of the driver's own.
 *
 * @module
 */

/** How this node and its peers reach and know each other, for migration. */
export interface Peers {
  /** The ports on which peers may reach this node; both ends count. */
  readonly ports: { readonly first: number; readonly last: number };
  /** Where peers reach this node. Throws `unavailable` when that is not known. */
  address(): Promise<string>;
  /** This node's certificate; it is got or renewed first when that is due. */
  credentials(): Promise<PeerCredentials>;
}

/**
 * What a node shows its peers, as paths of PEM files. The certificate is good
 * for both ends, and its names are those of `schema/peer.ts`.
 */
export interface PeerCredentials {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  /**
   * The folder of them all, in which they stand also under the names that
   * programs with GnuTLS look for, QEMU and libvirt among them: `ca-cert.pem`,
   * `server-cert.pem`, `client-key.pem` and so on.
   */
  readonly folder: string;
}
