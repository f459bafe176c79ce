/**
 * The nodes' listener: joining, certificates, sessions, and streams of consoles.
 *
 * @module
 */
import { Hono } from "hono";
import { UsherError } from "../../error/mod.ts";
import { type EnrolAnswer, EnrolRequest } from "../../schema/frame.ts";
import {
  type CertificateAnswer,
  CertificateRequest,
} from "../../schema/peer.ts";
import { problemResponse, readBody } from "../api/http.ts";
import type { Site } from "../site.ts";
import {
  CONTROLLER_ENDS,
  type NodeSessionParts,
  openSession,
} from "./session.ts";

/** The app; `handle` answers one request of a node. */
export function nodesApi(
  site: Site,
  parts: NodeSessionParts,
): (request: Request) => Promise<Response> {
  const app = new Hono();
  app.post("/v1/enrol", async (context) => {
    return context.json(await enrol(site, context.req.raw));
  });
  app.post("/v1/certificate", async (context) => {
    return context.json(await certify(site, context.req.raw));
  });
  app.post("/v1/session", (context) => {
    const { body } = context.req.raw;
    if (body === null) {
      throw new UsherError(
        "invalid_input",
        "A session needs a body that streams",
      );
    }
    const session = openSession(parts, body);
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
  app.post("/v1/console/:id", (context) => {
    const { raw } = context.req;
    const secret = raw.headers.get("authorization")?.replace(/^Bearer /, "") ??
      "";
    site.nodes.authenticate(
      raw.headers.get("x-usher-node") ?? "",
      secret,
    );
    if (raw.body === null) {
      throw new UsherError(
        "invalid_input",
        "A console needs a body that streams",
      );
    }
    return new Response(
      site.consoles.arrived(context.req.param("id"), raw.body),
    );
  });
  app.notFound((context) =>
    problemResponse(
      site,
      new UsherError("not_found", `There is no ${context.req.path} here`),
    )
  );
  app.onError((error, context) => problemResponse(site, error, context));
  return async (request) => await app.fetch(request);
}

async function enrol(site: Site, request: Request): Promise<EnrolAnswer> {
  const { clock } = site.context;
  return await site.nodes.enrol(await readBody(clock, request, EnrolRequest));
}

/** Signs a node's key for the name that its secret belongs to, and for no other. */
async function certify(
  site: Site,
  request: Request,
): Promise<CertificateAnswer> {
  const { clock, log } = site.context;
  const { name, secret, publicKey } = await readBody(
    clock,
    request,
    CertificateRequest,
  );
  site.nodes.authenticate(name, secret);
  const answer = await site.signPeer(name, publicKey, clock.now());
  log.info("signed a node's certificate", { node: name });
  return answer;
}
