// A real OpenID provider on this machine, for tests: any name logs in; `<name>.<group>` is in that group.
// Their e-mail address is verified, but for groups that say otherwise: `unverified`, `unsaid` and `said_as_text`.
// Its only argument is JSON: port, client_id, client_secret, redirect_uris, jwks, algorithm.
import process from "node:process";
import Provider from "oidc-provider";

const asked = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${asked.port}`;
const verified = (groups) => {
  if (groups.includes("unverified")) return false;
  if (groups.includes("unsaid")) return undefined;
  return groups.includes("said_as_text") ? "true" : true;
};
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: asked.client_id,
      client_secret: asked.client_secret,
      redirect_uris: asked.redirect_uris,
      response_types: ["code"],
      grant_types: ["authorization_code"],
      id_token_signed_response_alg: asked.algorithm,
    },
  ],
  claims: { openid: ["sub"], groups: ["groups"], email: ["email", "email_verified"] },
  conformIdTokenClaims: false,
  cookies: { keys: ["a key of the tests"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => {
      const [name, ...groups] = id.split(".");
      return {
        sub: id,
        groups: ["everyone", ...groups],
        email: `${name}@example.org`,
        email_verified: verified(groups),
      };
    },
  }),
  jwks: asked.jwks,
  pkce: { required: () => true },
});
provider.listen(asked.port, "127.0.0.1", () => process.stdout.write("ready\n"));
