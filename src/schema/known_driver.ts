/**
 * The names of the drivers that usher has, for flags and completion.
 *
 * They stand apart from every schema, since the command line reads them at
 * each start and must not pay for a schema.
 *
 * @module
 */

/** Every driver, by the name that specs and configurations use. */
export const DRIVER_NAMES = ["sim", "qemu", "libvirt", "xen"] as const;
/** A driver that usher has. */
export type KnownDriver = (typeof DRIVER_NAMES)[number];
