import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { ClosedOutput, fileOutput, SECRET_WRITE, writeOut } from '../../../src/cli/output/streams.js';
import { Memory } from './sample.js';

const failing = (code: string): Writable =>
  new Writable({
    write(_chunk, _encoding, done) {
      done(Object.assign(new Error(`write ${code}`), { code }));
    },
  });

const stuck = (): Writable => new Writable({ write() {} });

describe('writeOut', () => {
  it('resolves only when the system has taken the text', async () => {
    let release = (): void => {};
    const slow = new Writable({
      write(_chunk, _encoding, done) {
        release = done;
      },
    });
    let written = false;
    const writing = writeOut(slow, 'text').then(() => {
      written = true;
    });
    await new Promise(setImmediate);
    expect(written).toBe(false);
    release();
    await writing;
    expect(written).toBe(true);
  });

  it('writes nothing for an empty text', async () => {
    await writeOut(stuck(), '');
  });

  it.each(['EPIPE', 'ECONNRESET'])('turns %s into a quiet end', async (code) => {
    await expect(writeOut(failing(code), 'text')).rejects.toBeInstanceOf(ClosedOutput);
  });

  it('ends quietly when the stream is gone already', async () => {
    const stream = new Memory();
    stream.destroy();
    await expect(writeOut(stream, 'text')).rejects.toBeInstanceOf(ClosedOutput);
  });

  it('fails on a closed reader when a secret has to arrive', async () => {
    await expect(writeOut(failing('EPIPE'), 'text', SECRET_WRITE)).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: 'the output could not be written: its reader has closed it',
    });
  });

  it.each([
    ['ENOSPC', 'no space is left on the device'],
    ['EIO', 'the device reported an error'],
    ['EWEIRD', 'EWEIRD'],
    ['\u001b[2J', 'unknown reason'],
  ])('says in a sentence why %j failed', async (code, reason) => {
    await expect(writeOut(failing(code), 'text')).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: `the output could not be written: ${reason}`,
    });
  });

  it('fails when write throws', async () => {
    const stream = new Memory();
    vi.spyOn(stream, 'write').mockImplementation(() => {
      throw Object.assign(new Error('thrown'), { code: 'EIO' });
    });
    await expect(writeOut(stream, 'text')).rejects.toMatchObject({ code: 'OUTPUT_FAILED' });
  });

  it('fails by an error event alone', async () => {
    const stream = stuck();
    const writing = writeOut(stream, 'text');
    stream.emit('error', Object.assign(new Error('late'), { code: 'ENOSPC' }));
    await expect(writing).rejects.toMatchObject({ code: 'OUTPUT_FAILED' });
  });

  it('gives up on a reader that does not read', async () => {
    await expect(writeOut(stuck(), 'text', { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'OUTPUT_FAILED',
      message: 'the output could not be written: nobody read it for 0.02 s',
    });
  });

  it('leaves one listener behind, however much is written', async () => {
    const stream = new Memory();
    for (let count = 0; count < 50; count += 1) await writeOut(stream, 'x');
    expect(stream.listenerCount('error')).toBe(1);
    expect(stream.text).toHaveLength(50);
  });
});

describe('fileOutput', () => {
  const inFolder = (use: (folder: string) => Promise<void>): Promise<void> => {
    const folder = mkdtempSync(join(tmpdir(), 'apikeys-output-'));
    return use(folder).finally(() => rmSync(folder, { recursive: true }));
  };

  it('goes on after a short write until everything is there', () =>
    inFolder(async (folder) => {
      const fd = openSync(join(folder, 'out'), 'w');
      const short: typeof import('node:fs').writeSync = (_fd: number, text: unknown, offset?: unknown) => {
        if (!(text instanceof Uint8Array) || typeof offset !== 'number') throw new Error('unexpected call');
        chunks.push(text.at(offset) ?? 0);
        return 1;
      };
      const chunks: number[] = [];
      await writeOut(fileOutput(fd, short), 'sécret\n');
      closeSync(fd);
      expect(Buffer.from(chunks).toString('utf8')).toBe('sécret\n');
    }));

  it('writes to a real file', () =>
    inFolder(async (folder) => {
      const fd = openSync(join(folder, 'out'), 'w');
      await writeOut(fileOutput(fd), 'one\n');
      await writeOut(fileOutput(fd), 'two\n');
      closeSync(fd);
      expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('one\ntwo\n');
    }));

  it.runIf(process.platform === 'linux')('fails on a full device', async () => {
    const fd = openSync('/dev/full', 'w');
    await expect(writeOut(fileOutput(fd), 'text')).rejects.toMatchObject({ code: 'OUTPUT_FAILED' });
    closeSync(fd);
  });
});
