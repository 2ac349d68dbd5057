import fs from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { defaultEmbeddedFolder, layoutOf, prepareFolder } from '../../../src/db/embedded/folder.js';
import { newFolder } from './folders.js';

afterEach(() => vi.restoreAllMocks());

const modeOf = (name: string): number => fs.statSync(name).mode & 0o777;

test('the default folder follows the XDG specification', () => {
  expect(defaultEmbeddedFolder({ XDG_DATA_HOME: '/data', HOME: '/home/a' })).toBe('/data/apikeys');
  expect(defaultEmbeddedFolder({ XDG_DATA_HOME: 'data', HOME: '/home/a' })).toBe(
    '/home/a/.local/share/apikeys',
  );
  expect(defaultEmbeddedFolder({ XDG_DATA_HOME: '', HOME: '' })).toBe(
    path.join(homedir(), '.local/share/apikeys'),
  );
});

test('makes the folder and its parents private, and closes one of ours that is open to others', () => {
  const parent = path.join(newFolder(), 'a');
  const layout = layoutOf(path.join(parent, 'b'));
  prepareFolder(layout);
  expect([parent, layout.folder].map(modeOf)).toEqual([0o700, 0o700]);
  fs.chmodSync(layout.folder, 0o755);
  prepareFolder(layout);
  expect(modeOf(layout.folder)).toBe(0o700);
});

test('refuses a folder with other things in it, and leaves its mode alone', () => {
  for (const name of ['PG_VERSION', 'notes.txt', 'data/notes.txt']) {
    const layout = layoutOf(newFolder());
    fs.chmodSync(layout.folder, 0o755);
    fs.mkdirSync(path.dirname(path.join(layout.folder, name)), { recursive: true });
    fs.writeFileSync(path.join(layout.folder, name), '18');
    expect(() => prepareFolder(layout)).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining('is not empty') }),
    );
    expect(modeOf(layout.folder)).toBe(0o755);
  }
});

test('refuses a file, a path through a file, and the data of another PostgreSQL', () => {
  const file = path.join(newFolder(), 'file');
  fs.writeFileSync(file, '');
  for (const folder of [file, path.join(file, 'below')]) {
    expect(() => prepareFolder(layoutOf(folder))).toThrow(
      expect.objectContaining({ code: 'INVALID_CONFIG' }),
    );
  }
  const layout = layoutOf(newFolder());
  fs.mkdirSync(layout.data);
  fs.writeFileSync(path.join(layout.data, 'PG_VERSION'), '17\n');
  expect(() => prepareFolder(layout)).toThrow(
    expect.objectContaining({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('another version of PostgreSQL'),
    }),
  );
});

test('refuses the folder of another user, and one that may not be written to', () => {
  const layout = layoutOf(newFolder());
  const user = process.geteuid?.() ?? 0;
  vi.spyOn(process, 'geteuid').mockReturnValue(user + 1);
  expect(() => prepareFolder(layout)).toThrow(
    expect.objectContaining({ code: 'INVALID_CONFIG', message: expect.stringContaining('another user') }),
  );
  vi.restoreAllMocks();
  // Root may write anywhere, so the refusal is played.
  for (const code of ['EACCES', 'EROFS']) {
    vi.spyOn(fs, 'accessSync').mockImplementation(() => {
      throw Object.assign(new Error(code), { code, syscall: 'access' });
    });
    expect(() => prepareFolder(layout)).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
  }
});

test('accepts what a killed first run leaves behind', () => {
  const layout = layoutOf(newFolder());
  fs.mkdirSync(path.join(layout.unfinished, 'base'), { recursive: true });
  fs.writeFileSync(`${layout.lock}.0b2f.new`, '');
  prepareFolder(layout);
});
