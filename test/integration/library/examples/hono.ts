import { serve } from '@hono/node-server';
import { ApiKeysError, createApiKeys, refusalResponse, type VerifiedKey } from 'apikeys';
import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';

const keys = createApiKeys({ connectionString: process.env.DATABASE_URL ?? '' });
const app = new Hono();

const requireKey = (...scopes: string[]) =>
  createMiddleware<{ Variables: { key: VerifiedKey } }>(async (c, next) => {
    const caller = await keys.authenticate(c.req.raw, { scopes });
    if (!caller.ok) return refusalResponse(caller);
    c.set('key', caller.key);
    return next();
  });

app.get('/orders', requireKey('orders:read'), (c) => c.json({ owner: c.get('key').ownerId }));

app.onError((error, c) => {
  if (error instanceof ApiKeysError) return c.json({ error: 'unavailable' }, 503);
  throw error;
});

const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) });
process.once('SIGTERM', () => server.close(() => keys.close()));
