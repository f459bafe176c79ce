/**
 * The nodes' listener: joining, certificates, sessions, and streams of consoles.
 *
 * @module
 */
import { type Context, Hono } from "hono";
import { UsherError } from "../../error/mod.ts";
import { type EnrolAnswer, EnrolRequest } from "../../schema/frame.ts";
import {
  type CertificateAnswer,
  CertificateRequest,
} from "../../schema/peer.ts";
import type { Connection } from "../api/app.ts";
import { whyOf } from "../audit/sink.ts";
import { problemResponse, readBody } from "../api/http.ts";
import type { Site } from "../site.ts";
import { admitBeside } from "./admit.ts";
import { CONTROLLER_ENDS, openSession } from "./session.ts";
import type { NodeSessionParts } from "./session_parts.ts";

/** The app; `handle` answers one request of a node. */
export function nodesApi(
  site: Site,
  parts: NodeSessionParts,
): (request: Request, connection?: Connection) => Promise<Response> {
  const app = new Hono();
  app.post("/v1/enrol", async (context) => {
    const address = addressOf(context);
    return context.json(await enrol(site, context.req.raw, address));
  });
  app.post("/v1/certificate", async (context) => {
    const address = addressOf(context);
    return context.json(await certify(site, parts, context.req.raw, address));
  });
  app.post("/v1/session", (context) => {
    const { body } = context.req.raw;
    if (body === null) {
      throw new UsherError(
        "invalid_input",
        "A session needs a body that streams",
      );
    }
    const session = openSession(parts, body, addressOf(context));
    site.closing.addEventListener("abort", () => {
      session.send({
        type: "bye",
        reason: CONTROLLER_ENDS,
        problem: null,
      });
      session.close(CONTROLLER_ENDS);
    }, { once: true, signal: session.ended });
    return new Response(session.outgoing, {
      headers: { "content-type": "application/x-ndjson" },
    });
  });
  app.post("/v1/console/:id", async (context) => {
    const { raw } = context.req;
    const secret = raw.headers.get("authorization")?.replace(/^Bearer /, "") ??
      "";
    const name = raw.headers.get("x-usher-node") ?? "";
    await admitBeside(parts, { name, secret, address: addressOf(context) });
    if (raw.body === null) {
      throw new UsherError(
        "invalid_input",
        "A console needs a body that streams",
      );
    }
    return new Response(
      site.consoles.arrived(name, context.req.param("id"), raw.body),
    );
  });
  app.notFound((context) =>
    problemResponse(
      site,
      new UsherError("not_found", `There is no ${context.req.path} here`),
    )
  );
  app.onError((error, context) => problemResponse(site, error, context));
  return async (request, connection) => await app.fetch(request, connection);
}

function addressOf({ env }: Context): string {
  return (env as Connection | undefined)?.address ?? "";
}

async function enrol(
  site: Site,
  request: Request,
  address: string,
): Promise<EnrolAnswer> {
  const asked = await readBody(site.context.clock, request, EnrolRequest);
  const note = {
    user: "",
    via: "node" as const,
    address,
    verb: "join",
    names: [asked.name],
  };
  try {
    // A stranger's tries are not told one by one, or they would fill the log.
    site.nodes.checkJoin(asked);
    // The write that uses the token up takes the note along.
    site.audit.note({ ...note, decision: "told" });
    return await site.nodes.enrol(asked);
  } catch (error) {
    site.audit.note({ ...note, ...whyOf(error) });
    throw error;
  }
}

/** Signs a node's key for the name that its secret belongs to, and for no other. */
async function certify(
  site: Site,
  parts: NodeSessionParts,
  request: Request,
  address: string,
): Promise<CertificateAnswer> {
  const { clock, log } = site.context;
  const { name, secret, publicKey } = await readBody(
    clock,
    request,
    CertificateRequest,
  );
  await admitBeside(parts, { name, secret, address });
  site.audit.note({
    user: "",
    via: "node",
    address,
    verb: "certificate",
    names: [name],
    decision: "allowed",
  });
  const answer = await site.signPeer(name, publicKey, clock.now());
  log.info("signed a node's certificate", { node: name });
  return answer;
}
