/**
 * A cluster's branch of the directory: its people, its groups, and among these
 * `admin` with the one who made it.
 *
 * Owner and maker stand among its people as aliases of their own entries: one
 * credential for usher and for every cluster. What is there is left as it is,
 * since people change it; only what is missing is added.
 *
 * @module
 */
import { AlreadyExistsError, type Client } from "ldapts";
import type { Cluster } from "@usher/plugin";
import type { Directory } from "./directory.ts";
import { inDn } from "./escape.ts";

/** An entry as it should be when it is missing. */
interface Wanted {
  readonly dn: string;
  readonly attributes: Readonly<Record<string, string | string[]>>;
}

/** Somebody of a cluster who has an entry. */
interface Member {
  readonly name: string;
  readonly dn: string;
}

/** Makes what a cluster's branch lacks; the names of people that the directory has not. */
export async function ensureBranch(
  directory: Directory,
  cluster: Cluster,
  { client, base, service }: {
    /** One that may search people and write branches. */
    readonly client: Client;
    readonly base: string;
    /** Who stands in a group that has nobody else: it may not be empty. */
    readonly service: string;
  },
): Promise<string[]> {
  const members: Member[] = [];
  const unknown: string[] = [];
  for (const name of new Set([cluster.createdBy, cluster.user])) {
    const dn = await directory.find(name, client);
    if (dn === null) unknown.push(name);
    else members.push({ name, dn });
  }
  const wanted = branchOf(cluster.name, base, { members, service });
  for (const { dn, attributes } of wanted) await add(client, dn, attributes);
  return unknown;
}

/** The entries of a branch, each after the one above it. */
export function branchOf(
  cluster: string,
  base: string,
  { members, service }: {
    readonly members: readonly Member[];
    readonly service: string;
  },
): Wanted[] {
  const root = `ou=${inDn(cluster)},${base}`;
  const unit = (dn: string, ou: string): Wanted => ({
    dn,
    attributes: { objectClass: ["top", "organizationalUnit"], ou },
  });
  const [creator] = members;
  return [
    unit(root, cluster),
    unit(`ou=people,${root}`, "people"),
    unit(`ou=groups,${root}`, "groups"),
    ...members.map(({ name, dn }): Wanted => ({
      dn: `uid=${inDn(name)},ou=people,${root}`,
      attributes: {
        objectClass: ["alias", "extensibleObject"],
        uid: name,
        aliasedObjectName: dn,
      },
    })),
    {
      dn: `cn=admin,ou=groups,${root}`,
      attributes: {
        objectClass: ["top", "groupOfNames"],
        cn: "admin",
        description: `Administers cluster ${cluster}`,
        member: [creator?.dn ?? service],
      },
    },
  ];
}

async function add(
  client: Client,
  dn: string,
  attributes: Wanted["attributes"],
): Promise<void> {
  try {
    await client.add(dn, { ...attributes });
  } catch (error) {
    if (error instanceof AlreadyExistsError) return;
    throw error;
  }
}
