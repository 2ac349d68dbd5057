import { parseExpiry } from '../../domain/duration.js';
import { parseScopes } from '../../domain/scopes.js';
import { checkName, checkOwner } from '../../domain/text.js';
import type { ApiKeysError } from '../../errors.js';
import { CliError } from '../cli-error.js';
import type { Context } from '../context.js';

export interface CreateAnswers {
  readonly name: string;
  readonly owner: string;
  readonly scopes: readonly string[];
  readonly expires: string | undefined;
}

export interface CreateGiven {
  readonly name: string | undefined;
  readonly owner: string | undefined;
  readonly scopes: readonly string[] | undefined;
  readonly expires: string | undefined;
}

const OTHER = 'other';

/**
 * Completes what a new key needs by asking for it. Nothing is asked where name and owner are given: all else has a
 * default. Throws `INVALID_USAGE`, naming what is missing, where nobody can be asked.
 */
export async function completeCreate(context: Context, given: CreateGiven): Promise<CreateAnswers> {
  const { name, owner, scopes, expires } = given;
  if (name !== undefined && owner !== undefined) return { name, owner, scopes: scopes ?? [], expires };
  if (!context.canPrompt) throw missing(name === undefined ? 'the name of the key' : 'its owner');
  const { settings } = await context.config();
  return {
    name:
      name ??
      (await context.ask({ message: 'Name of the key:', check: (text) => checkName(text, settings.prefix) })),
    owner: owner ?? (await context.ask({ message: 'Owner (a user or a service):', check: checkOwner })),
    scopes:
      scopes ??
      scopesIn(await context.ask({ message: 'Scopes, such as read,orders:* (none):', check: scopesIn })),
    expires: expires ?? (await askExpiry(context)),
  };
}

async function askExpiry(context: Context): Promise<string> {
  const chosen = await context.choose('It expires after:', [
    { name: '90 days', value: '90d' },
    { name: '30 days', value: '30d' },
    { name: '7 days', value: '7d' },
    { name: 'one year', value: '1y' },
    { name: 'never', value: 'never' },
    { name: 'another time …', value: OTHER },
  ]);
  if (chosen !== OTHER) return chosen;
  return context.ask({
    message: 'A duration such as 2w, a UTC day such as 2030-01-31, or an RFC 3339 time:',
    check: parseExpiry,
  });
}

const scopesIn = (text: string): string[] => (text.trim() === '' ? [] : parseScopes([text]));

function missing(what: string): ApiKeysError {
  return new CliError('INVALID_USAGE', `${what} is missing`, {
    hint: 'Write: apikeys create <name> --owner <owner>',
  });
}
