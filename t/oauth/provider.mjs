// t/oauth/provider.mjs - a certified OAuth server, set up as mail providers are: code flow
// with PKCE and a loopback redirect at any port, device flow, refresh tokens that rotate,
// revocation, introspection.  Tokens are opaque.
//
// usage: node provider.mjs '{ "modules": DIR, "cert": FILE, "key": FILE, "client_cert": FILE,
//	"ready": FILE, "log": FILE, "lifetime": SECONDS }'
//
// Listens on loopback; "ready" gets the port.  "log" gets a line of JSON for each request,
// without secrets.  Who signs in is whoever says so, with any password.
import { X509Certificate } from 'node:crypto';
import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const set = JSON.parse(process.argv[2]);
const { Provider } = await import(pathToFileURL(join(set.modules, 'oidc-provider/lib/index.js')));

const note = (what) => appendFileSync(set.log, `${JSON.stringify(what)}\n`, { mode: 0o600 });

const robotKey = {
	...new X509Certificate(readFileSync(set.client_cert)).publicKey.export({ format: 'jwk' }),
	use: 'sig',
};

const clients = [
	{
		client_id: 'sendoff',
		application_type: 'native',
		token_endpoint_auth_method: 'none',
		redirect_uris: ['http://127.0.0.1/', 'http://[::1]/'],
		response_types: ['code'],
		grant_types: ['authorization_code', 'refresh_token',
			'urn:ietf:params:oauth:grant-type:device_code'],
	},
	{
		client_id: 'robot',
		token_endpoint_auth_method: 'private_key_jwt',
		jwks: { keys: [robotKey] },
		redirect_uris: [],
		response_types: [],
		grant_types: ['client_credentials'],
		scope: 'mail.send',
	},
	{
		// Who asks whether a token is good.
		client_id: 'mailserver',
		client_secret: 'the secret of the mail server',
		token_endpoint_auth_method: 'client_secret_basic',
		redirect_uris: [],
		response_types: [],
		grant_types: [],
	},
];

const configuration = {
	clients,
	scopes: ['openid', 'offline_access', 'mail.send'],
	cookies: { keys: ['of the tests'] },
	pkce: { methods: ['S256'], required: () => true },
	rotateRefreshToken: true,
	issueRefreshToken: () => true,
	features: {
		clientCredentials: { enabled: true },
		deviceFlow: { enabled: true },
		introspection: { enabled: true },
		revocation: { enabled: true },
	},
	ttl: {
		AccessToken: 3600, ClientCredentials: 3600, DeviceCode: 600, Grant: 30 * 86400,
		RefreshToken: 30 * 86400, Session: 30 * 86400, Interaction: 600,
	},
	findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
	extraTokenClaims: (ctx, token) => ({ email: token.accountId ?? 'robot@example.test' }),
};

const server = createServer({ cert: readFileSync(set.cert), key: readFileSync(set.key) });

server.listen(0, '127.0.0.1', () => {
	const { port } = server.address();
	const provider = new Provider(`https://localhost:${port}`, configuration);

	provider.use(async (ctx, next) => {
		await next();
		note({ path: ctx.path, grant: ctx.oidc?.params?.grant_type, client: ctx.oidc?.client?.clientId,
			status: ctx.status, error: ctx.body?.error, why: ctx.body?.error_description });
	});
	for (const event of ['server_error', 'grant.error', 'introspection.error', 'authorization.error'])
		provider.on(event, (ctx, e) => note({ event, error: e.message, why: e.error_detail }));
	for (const event of ['grant.revoked'])
		provider.on(event, () => note({ event }));
	server.on('request', provider.callback());
	writeFileSync(`${set.ready}.new`, `${port}\n`);
	renameSync(`${set.ready}.new`, set.ready);
});
process.on('SIGTERM', () => process.exit(0));
setTimeout(() => process.exit(0), set.lifetime * 1000);
