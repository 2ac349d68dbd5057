import { createApiKeys } from 'apikeys';

const keys = createApiKeys({ connectionString: process.env.DATABASE_URL ?? '' });

const { key, apiKey } = await keys.create({
  name: 'CI deploy',
  owner: 'alice',
  scopes: ['deploy:write'],
  expires: '30d',
  actor: 'signup', // whom the audit trail names
});
console.log(apiKey); // the secret, here and nowhere else; null only for a repeated idempotencyKey

const { valid, code } = await keys.verify(apiKey ?? '', { scopes: ['deploy:write'] });
console.log(valid, code); // true VALID

await keys.revoke({ keys: [key.id], reason: 'left the team', actor: 'alice' });
console.log((await keys.verify(apiKey ?? '')).code); // REVOKED

await keys.close(); // stores what was counted, and ends the connections
