import { ApiKeysError } from '../errors.js';
import type { ApiKeys } from '../service/api-keys.js';
import { type Config, type ConfigFlags, loadConfig } from './config.js';
import { colourLevel } from './output/colour.js';
import { chooseFormat, type Format, isJson } from './output/format.js';
import { createRenderer, type Renderer } from './output/renderer.js';
import type { Result } from './output/result.js';
import { type OutputStreams, REVEAL } from './output/streams.js';
import { ask, canPrompt, confirm, isCi } from './prompt.js';

/** What the program needs of the process that it runs in. */
export interface Host {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly streams: OutputStreams & { readonly stderr: NodeJS.WritableStream };
  /** Nobody would ever see a secret there. */
  readonly stdoutWasClosed: boolean;
  readonly isTTY: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  /** Columns of the terminal behind stdout; Infinity without one. */
  readonly width: () => number;
  readonly now: () => Date;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** The options that every command takes. */
export interface GlobalOptions extends ConfigFlags {
  readonly json?: boolean | undefined;
  readonly output?: Format | undefined;
  readonly quiet?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  /** False with `--no-input`. */
  readonly input?: boolean | undefined;
  readonly yes?: boolean | undefined;
  readonly color?: 'auto' | 'always' | 'never' | undefined;
  readonly debug?: boolean | undefined;
}

/** What a command runs with. */
export interface Context {
  readonly options: GlobalOptions;
  readonly renderer: Renderer;
  /** The same output in a format of the command's own choice. */
  rendererIn(format: Format): Renderer;
  config(): Promise<Config>;
  /**
   * Opens the database for `work` and closes it after. Nothing is held open between two uses, so that a person
   * may think meanwhile. `patient`: for statements that may take minutes.
   */
  use<T>(work: (service: ApiKeys) => Promise<T>, options?: { readonly patient?: boolean }): Promise<T>;
  /** Prints a result that holds a new secret: it arrives in time, or this throws `OUTPUT_FAILED`. */
  reveal<Row>(result: Result<Row>): Promise<void>;
  /** Whether a person can be asked. */
  readonly canPrompt: boolean;
  confirm(message: string): Promise<boolean>;
  ask(message: string): Promise<string>;
}

export function createContext(host: Host, options: GlobalOptions): Context {
  const { env, isTTY, streams, signal } = host;
  const mode = options.color ?? 'auto';
  const format = chooseFormat({ output: options.output, json: options.json, isTTY: isTTY.stdout });
  const rendererIn = (chosen: Format): Renderer =>
    createRenderer({
      format: chosen,
      quiet: options.quiet ?? false,
      streams,
      width: host.width(),
      colour: {
        stdout: colourLevel({ mode, env, isTTY: isTTY.stdout }),
        stderr: colourLevel({ mode, env, isTTY: isTTY.stderr }),
      },
      now: host.now,
    });
  const renderer = rendererIn(format);

  let loaded: Promise<Config> | undefined;
  const load = async (): Promise<Config> => {
    const interactive = isTTY.stdin && isTTY.stderr && !isCi(env);
    const config = await loadConfig(options, { env, interactive });
    for (const note of config.notes) await renderer.note(note);
    return config;
  };
  const config = (): Promise<Config> => {
    loaded ??= load();
    return loaded;
  };

  return {
    options,
    renderer,
    rendererIn,
    config,
    async use(work, { patient = false } = {}) {
      const chosen = await config();
      const { openDatabase } = await import('./database.js');
      const service = await openDatabase(chosen, { env, signal, patient });
      try {
        return await work(service);
      } finally {
        await service.close();
      }
    },
    async reveal(result) {
      if (host.stdoutWasClosed) {
        throw new ApiKeysError(
          'OUTPUT_FAILED',
          'stdout is closed, so nobody would see the key; nothing was made',
          {
            hint: 'Give stdout a reader, or write the key to a file with --out-file.',
          },
        );
      }
      await renderer.result(result, REVEAL);
    },
    canPrompt: canPrompt({
      stdinIsTTY: isTTY.stdin,
      stderrIsTTY: isTTY.stderr,
      noInput: options.input === false,
      machine: isJson(format) || (options.quiet ?? false),
      env,
    }),
    confirm: (message) => confirm(message, { output: streams.stderr, signal }),
    ask: (message) => ask(message, { output: streams.stderr, signal }),
  };
}
