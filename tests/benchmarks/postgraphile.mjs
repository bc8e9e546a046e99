// PostGraphile 5 on the same tables, as its documentation sets it up: one process, its own pool,
// the token checked, the scope told to PostgreSQL by pgSettings in the request's transaction.
// argv: a JSON file {port, keys, issuer, audience, viewer, role, pool: {host, user, database, max}}.
import { createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import pg from "pg";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { jsonPgSmartTags } from "postgraphile/utils";
import { PostGraphileConnectionFilterPreset } from "postgraphile-plugin-connection-filter";

const config = JSON.parse(readFileSync(process.argv[2], "utf8"));
const key = createPublicKey({ key: config.key, format: "jwk" });
const pool = new pg.Pool({ ...config.pool, options: "-c jit=off" });

const json = (segment) => JSON.parse(Buffer.from(segment, "base64url").toString("utf8"));

/** The subject of a valid token: signature, type, key id, issuer, audience, times. */
function subjectOf(header) {
  const [scheme, token] = (header ?? "").split(" ");
  const parts = (token ?? "").split(".");
  if (scheme.toLowerCase() !== "bearer" || parts.length !== 3) throw new Error("no token");
  const head = json(parts[0]);
  const claims = json(parts[1]);
  const now = Date.now() / 1000;
  const signed = verify(
    "sha256",
    Buffer.from(`${parts[0]}.${parts[1]}`),
    { key, dsaEncoding: "ieee-p1363" },
    Buffer.from(parts[2], "base64url"),
  );
  const valid = signed && head.alg === "ES256" && head.typ === "at+jwt" && head.kid === config.kid
    && claims.iss === config.issuer && claims.aud === config.audience
    && now < claims.exp && claims.exp < now + 86460 && claims.iat < now + 60;
  if (!valid) throw new Error("not a valid token");
  return claims.sub;
}

/** Who asks, as row level security reads it; read anew for each request, as everywhere here. */
async function settingsOf(header) {
  const { rows } = await pool.query({ name: "viewer", text: config.viewer, values: [subjectOf(header)] });
  const { viewer, directories, agencies } = rows[0];
  return {
    role: config.role,
    "ekinerja.viewer": viewer,
    "ekinerja.line": viewer,
    "ekinerja.directories": directories,
    "ekinerja.agencies": agencies,
  };
}

const preset = {
  extends: [PostGraphileAmberPreset, PostGraphileConnectionFilterPreset],
  // Filters and orders are wanted on columns that are not the first of an index.
  disablePlugins: ["PgIndexBehaviorsPlugin"],
  // A table named target_edge would take the name of the edges of a connection of targets.
  plugins: [
    jsonPgSmartTags({ version: 1, config: { class: { target_edge: { tags: { name: "link" } } } } }),
  ],
  schema: { defaultBehavior: "connection list -insert -update -delete" },
  pgServices: [makePgService({ pool, schemas: ["public"] })],
  grafserv: { graphqlPath: "/graphql", graphiql: false, websockets: false },
  grafast: {
    explain: false,
    context: async (request, args) => ({
      ...args.contextValue,
      pgSettings: await settingsOf(request.node?.req.headers.authorization),
    }),
  },
};

const service = postgraphile(preset).createServ(grafserv);
const server = createServer();
server.on("error", (error) => { throw error; });
await service.addTo(server);
server.listen(config.port, "127.0.0.1");
