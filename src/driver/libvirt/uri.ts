/**
 * What a libvirt URI says about where its daemon is.
 *
 * @module
 */

/** Whether the daemon of `uri` runs its guests as processes of this machine. */
export function isLocal(uri: string): boolean {
  return /^qemu(\+unix)?:\/\/\/(system|session)(\?|$)/.test(uri);
}
