/**
 * Warnings about a plugin that is right: what it asks for and does not get,
 * what it is granted in vain, and that it is never called.
 *
 * @module
 */
import type { Locate } from "../../plugin/files/mistake.ts";
import { effective } from "../../plugin/files/permission.ts";
import type { ReadPlugin } from "../../plugin/files/registrations.ts";

/** What works and may surprise: what is asked and not granted, and the other way round. */
export function warningsOf(
  { name, config, manifest }: Pick<ReadPlugin, "name" | "config" | "manifest">,
  locate: Locate,
): string[] {
  const at = locate(["plugins", name, "grants"]);
  const where = at === null ? "" : `${at}: `;
  const { denied } = effective(manifest, config.grants);
  const { ctx, verbs, vms: _, ...permissions } = config.grants;
  const asked = new Set<string>([...manifest.ctx, ...manifest.verbs]);
  const unasked = [
    ...ctx.filter((one) => !asked.has(one)).map((one) => `ctx.${one}`),
    ...verbs.filter((one) => !asked.has(one)).map((one) => `verb ${one}`),
    ...Object.keys(permissions).filter((kind) =>
      !Object.hasOwn(manifest.permissions, kind)
    ),
  ];
  return [
    ...(denied.length === 0 ? [] : [
      `${where}plugin "${name}" asks for ${
        denied.join(", ")
      }, which is not granted: what needs it will fail`,
    ]),
    ...(unasked.length === 0 ? [] : [
      `${where}plugin "${name}" is granted ${
        unasked.join(", ")
      }, which it does not ask for: it does not get it`,
    ]),
    ...(config.events.length === 0
      ? [
        `${where}plugin "${name}" is registered for no event: it is never called`,
      ]
      : []),
  ];
}
