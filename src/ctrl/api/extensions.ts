/**
 * What this controller's API has beyond its first version.
 *
 * @module
 */

/** Named additions to the API since its first version; append only. */
export const EXTENSIONS: readonly string[] = [
  "console",
  "follow",
  "watch",
  "node-operations",
  "plugins",
  "clusters",
  "quotas",
];
