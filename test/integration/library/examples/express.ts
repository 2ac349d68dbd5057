import { ApiKeysError, createApiKeys } from 'apikeys';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';

const keys = createApiKeys({ connectionString: process.env.DATABASE_URL ?? '' });
const app = express();

const requireKey =
  (...scopes: string[]): RequestHandler =>
  async (request, response, next) => {
    const caller = await keys.authenticate(request, { scopes });
    if (!caller.ok) {
      response.status(caller.status).set(caller.headers).json(caller.body);
      return;
    }
    response.locals.key = caller.key;
    next();
  };

app.get('/orders', requireKey('orders:read'), (_request, response) => {
  response.json({ owner: response.locals.key.ownerId });
});

const unavailable: ErrorRequestHandler = (error, _request, response, next) => {
  if (error instanceof ApiKeysError) response.status(503).json({ error: 'unavailable' });
  else next(error);
};
app.use(unavailable);

const server = app.listen(Number(process.env.PORT ?? 3000));
process.once('SIGTERM', () => server.close(() => keys.close()));
