/**
 * What becomes of each plugin when one set takes the place of another: pure,
 * so that a reload can say it before it is done.
 *
 * @module
 */
import { effective } from "../../plugin/files/permission.ts";
import type { LoadedPlugin } from "../../plugin/runner.ts";
import type { PluginSet } from "./set.ts";
import { permissionTexts } from "../../schema/permission_text.ts";
import type { PluginChange, ReloadAnswer } from "../../schema/plugin_life.ts";

/** The changes from one set to another, by name. */
export function changesBetween(
  before: PluginSet,
  after: PluginSet,
): PluginChange[] {
  const old = byName(before);
  const now = byName(after);
  return [...new Set([...old.keys(), ...now.keys()])].toSorted()
    .map((name) => changeOf(name, old.get(name), now.get(name)));
}

/** What a reload from one set to another answers. */
export function answerOf(before: PluginSet, after: PluginSet): ReloadAnswer {
  return {
    changes: changesBetween(before, after),
    warnings: [...after.warnings],
  };
}

function byName({ plugins }: PluginSet): Map<string, LoadedPlugin> {
  return new Map(plugins.map((plugin) => [plugin.name, plugin]));
}

function changeOf(
  name: string,
  before: LoadedPlugin | undefined,
  after: LoadedPlugin | undefined,
): PluginChange {
  const change = before === undefined
    ? "added"
    : after === undefined
    ? "removed"
    : isSame(before, after)
    ? "same"
    : "changed";
  return {
    name,
    change,
    from: before?.snapshot.hash ?? null,
    to: after?.snapshot.hash ?? null,
    grants: grantChanges(before, after),
  };
}

/** Whether nothing of it is another: files, configuration, registrations. */
export function isSame(before: LoadedPlugin, after: LoadedPlugin): boolean {
  return before.snapshot.hash === after.snapshot.hash &&
    JSON.stringify(before.config) === JSON.stringify(after.config);
}

function grantChanges(
  before: LoadedPlugin | undefined,
  after: LoadedPlugin | undefined,
): string[] {
  const old = new Set(before === undefined ? [] : grantedTo(before));
  const now = new Set(after === undefined ? [] : grantedTo(after));
  return [
    ...[...now].filter((one) => !old.has(one)).map((one) => `+ ${one}`),
    ...[...old].filter((one) => !now.has(one)).map((one) => `- ${one}`),
  ];
}

/** What a plugin has, each in a few words. */
export function grantedTo(
  { manifest, config }: Pick<LoadedPlugin, "manifest" | "config">,
): string[] {
  const { permissions, ctx, verbs } = effective(manifest, config.grants);
  return [
    ...ctx.map((name) => `ctx.${name}`),
    ...verbs.map((verb) => `verb ${verb} on ${config.grants.vms.join(", ")}`),
    ...permissionTexts(permissions),
  ];
}
