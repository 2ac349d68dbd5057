import { ApiKeysError, createApiKeys, type VerifiedKey } from 'apikeys';
import { fastify, type preHandlerAsyncHookHandler } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    key: VerifiedKey | null;
  }
}

const keys = createApiKeys({ connectionString: process.env.DATABASE_URL ?? '' });
const app = fastify();
app.decorateRequest('key', null);

const requireKey =
  (...scopes: string[]): preHandlerAsyncHookHandler =>
  async (request, reply) => {
    const caller = await keys.authenticate(request, { scopes });
    if (!caller.ok) return reply.code(caller.status).headers(caller.headers).send(caller.body);
    request.key = caller.key;
  };

app.get('/orders', { preHandler: requireKey('orders:read') }, async (request) => ({
  owner: request.key?.ownerId,
}));

app.setErrorHandler((error, _request, reply) => {
  if (error instanceof ApiKeysError) return reply.code(503).send({ error: 'unavailable' });
  throw error;
});

app.addHook('onClose', () => keys.close());
await app.listen({ port: Number(process.env.PORT ?? 3000) });
process.once('SIGTERM', () => app.close());
