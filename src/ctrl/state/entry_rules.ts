/**
 * What each stored record must look like by itself: a known key, a value of
 * its kind's shape, and the same name in both.
 *
 * @module
 */
import type { z } from "zod";
import {
  broken,
  type Finding,
  type Kind,
} from "../../core/invariants/finding.ts";
import { ClusterRecord } from "../../schema/cluster.ts";
import { QuotaRecord } from "../../schema/quota.ts";
import { ClientValue } from "../../schema/event_value.ts";
import { AuditBlock } from "../../schema/audit.ts";
import { Node } from "../../schema/node.ts";
import { NodeOperation } from "../../schema/node_operation.ts";
import { Operation } from "../../schema/operation.ts";
import { PluginSwitch } from "../../schema/plugin_life.ts";
import {
  Account,
  AnswersRecord,
  ApiTokenRecord,
  JoinTokenRecord,
  NodeSecretRecord,
  PluginClock,
  PluginSchedule,
  PluginValue,
  RequestRecord,
  SessionRecord,
  ToldRecord,
} from "../../schema/stored.ts";
import { Vm } from "../../schema/vm.ts";
import { keys } from "../../store/key.ts";
import type { Entry, Key } from "../../store/store.ts";

/** Kinds of records that have a table, and those that have none. */
export type EntryKind =
  | Kind
  | "node-secret"
  | "join-token"
  | "account"
  | "session"
  | "api-token"
  | "cluster"
  | "quota"
  | "told"
  | "answers"
  | "connection"
  | "plugin-value"
  | "plugin-clock"
  | "plugin-schedule"
  | "plugin-switch"
  | "audit"
  | "meta";

interface Shape {
  readonly kind: EntryKind;
  readonly schema: z.ZodType;
  /** Which field of the value stands in the key. */
  readonly id: string;
  /** Which one stands before it there, of records that belong to something. */
  readonly of?: string;
}

/** By the first part of their keys. */
const SHAPES: Readonly<Record<string, Shape>> = Object.fromEntries(
  ([
    [keys.vms(), { kind: "vm", schema: Vm, id: "uid" }],
    [keys.nodes(), { kind: "node", schema: Node, id: "name" }],
    [keys.operations(), { kind: "operation", schema: Operation, id: "id" }],
    [keys.nodeOperations(), {
      kind: "node-operation",
      schema: NodeOperation,
      id: "id",
    }],
    [keys.requests(), { kind: "request", schema: RequestRecord, id: "id" }],
    [keys.nodeSecrets(), {
      kind: "node-secret",
      schema: NodeSecretRecord,
      id: "name",
    }],
    [keys.joinTokens(), {
      kind: "join-token",
      schema: JoinTokenRecord,
      id: "hash",
    }],
    [keys.accounts(), { kind: "account", schema: Account, id: "name" }],
    [keys.sessions(), { kind: "session", schema: SessionRecord, id: "hash" }],
    [keys.apiTokens(), {
      kind: "api-token",
      schema: ApiTokenRecord,
      id: "id",
    }],
    [keys.quotas(), { kind: "quota", schema: QuotaRecord, id: "subject" }],
    [keys.clusters(), { kind: "cluster", schema: ClusterRecord, id: "name" }],
    [keys.allTold(), { kind: "told", schema: ToldRecord, id: "id" }],
    [keys.allAnswers(), {
      kind: "answers",
      schema: AnswersRecord,
      id: "decision",
    }],
    [keys.pluginSwitches(), {
      kind: "plugin-switch",
      schema: PluginSwitch,
      id: "name",
    }],
    [keys.connections(), { kind: "connection", schema: ClientValue, id: "id" }],
    [keys.pluginValues(), {
      kind: "plugin-value",
      schema: PluginValue,
      id: "key",
      of: "plugin",
    }],
    [keys.pluginClocks(), {
      kind: "plugin-clock",
      schema: PluginClock,
      id: "id",
    }],
    [keys.pluginSchedules(), {
      kind: "plugin-schedule",
      schema: PluginSchedule,
      id: "key",
      of: "plugin",
    }],
  ] satisfies [Key, Shape][]).map(([[first], shape]) => [first, shape]),
);

const META = ["schema", "revision", "audit"];

/** A record that could be read. */
export interface KnownEntry {
  readonly kind: EntryKind;
  readonly id: string;
  readonly value: unknown;
}

/** The record of an entry, or what is wrong with it. */
export function readEntry(
  { key, value }: Entry,
): { readonly known: KnownEntry } | { readonly finding: Finding } {
  const name = key.join(" ");
  const [first, ...ids] = key;
  if (first === "meta") return readMeta(key, value);
  if (first === keys.auditBlocks()[0]) return readAuditBlock(key, value);
  const shape = typeof first === "string" ? SHAPES[first] : undefined;
  const isKey = ids.length === (shape?.of === undefined ? 1 : 2) &&
    ids.every((id) => typeof id === "string");
  if (shape === undefined || !isKey) {
    return wrong(
      "record-key",
      name,
      `There is a record ${name}, and no such kind of record`,
      "records of kinds that this usher knows",
    );
  }
  const parsed = shape.schema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue?.path.map(String).join(".") ?? "";
    return wrong(
      "record-shape",
      name,
      `Cannot read record ${name}: ${
        field === "" ? "" : `"${field}": `
      }${issue?.message}`,
      `a ${shape.kind} as the API describes it`,
    );
  }
  const data = parsed.data as Record<string, unknown>;
  const fields = shape.of === undefined ? [shape.id] : [shape.of, shape.id];
  const own = fields.map((field) => data[field]).join(" ");
  const id = ids.join(" ");
  if (own !== id) {
    return wrong(
      "record-key",
      name,
      `Record ${name} holds ${shape.kind} "${own}"`,
      `${shape.kind} "${id}" under this key`,
    );
  }
  return { known: { kind: shape.kind, id, value: parsed.data } };
}

/** Records of the audit log; `checkAudit` goes through them in their order. */
function readAuditBlock(key: Key, value: unknown) {
  const name = key.join(" ");
  const block = AuditBlock.safeParse(value);
  const isWhole = block.success && block.data.records[0]?.seq === key[2];
  if (isWhole) return { known: { kind: "audit" as const, id: name, value } };
  return wrong(
    "record-shape",
    name,
    `Cannot read block ${name} of the audit log`,
    "records, of which the first has the number that stands in the key",
  );
}

function readMeta(key: Key, value: unknown) {
  const name = key.join(" ");
  const id = String(key[1]);
  const isKnown = META.includes(id) && key.length === 2;
  if (isKnown) return { known: { kind: "meta" as const, id, value } };
  return wrong(
    "record-key",
    name,
    `There is a record ${name}, and no such kind of record`,
    "records of kinds that this usher knows",
  );
}

function wrong(rule: string, record: string, text: string, right: string) {
  return { finding: broken(rule, record, text, right) };
}
