// A real OpenID provider on this machine, for tests: any name logs in; `<name>.<group>` is in that group.
// Its only argument is JSON: port, client_id, client_secret, redirect_uris, jwks, algorithm.
import process from "node:process";
import Provider from "oidc-provider";

const asked = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${asked.port}`;
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
  claims: { openid: ["sub"], groups: ["groups"] },
  conformIdTokenClaims: false,
  cookies: { keys: ["a key of the tests"] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, groups: ["everyone", ...id.split(".").slice(1)] }),
  }),
  jwks: asked.jwks,
  pkce: { required: () => true },
});
provider.listen(asked.port, "127.0.0.1", () => process.stdout.write("ready\n"));
