import { expect, test } from 'vitest';
import { openEmbedded } from '../../../src/db/embedded/engine.js';
import { testDatabase } from '../../helpers/database.js';
import { describeSchema } from '../../helpers/describe-schema.js';
import { embeddedDatabase } from '../../helpers/embedded.js';
import { overEngine } from '../../helpers/run-sql.js';
import { TIMEOUTS } from './opened.js';

// After a migration was added, renew the file and read its difference:
//   npx vitest run --config test/vitest.config.ts --project database test/integration/db/schema-snapshot.test.ts -u
const SNAPSHOT = '../../schema.snapshot.sql';

test.each([18, 15] as const)(
  'the migrations make the schema of the snapshot on PostgreSQL %i',
  async (version) => {
    const database = await testDatabase({ version });
    try {
      await expect(await describeSchema(database.url)).toMatchFileSnapshot(SNAPSHOT);
    } finally {
      await database.drop();
    }
  },
);

test('the migrations make the schema of the snapshot on the embedded engine', async () => {
  const engine = await openEmbedded({ folder: await embeddedDatabase(), timeouts: TIMEOUTS });
  try {
    await expect(await describeSchema(overEngine(engine))).toMatchFileSnapshot(SNAPSHOT);
  } finally {
    await engine.close();
  }
});
