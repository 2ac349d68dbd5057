import { createApiKeys } from 'apikeys';

const keys = createApiKeys({ connectionString: process.env.DATABASE_URL ?? '' });

const { key, apiKey } = await keys.as({ actor: 'signup' }).create({
  name: 'CI deploy',
  owner: 'alice',
  scopes: ['deploy:write'],
  expires: '30d',
});
console.log(apiKey); // the secret, here and nowhere else; null only for a repeated idempotencyKey

const { valid, code } = await keys.verify(apiKey ?? '', { scopes: ['deploy:write'] });
console.log(valid, code); // true VALID

const alice = keys.as({ actor: 'alice' }); // whom the audit trail names
await alice.revoke({ keys: [key.id], reason: 'left the team' });
console.log((await keys.verify(apiKey ?? '')).code); // REVOKED

await keys.close(); // stores what was counted, and ends the connections
