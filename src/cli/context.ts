import type { Waiting } from '../read-file.js';
import type { ConfinedService, Service } from '../service/service.js';
import { CliError } from './cli-error.js';
import { type Config, loadConfig } from './config/config.js';
import type { GlobalOptions } from './global-options.js';
import {
  ask,
  askSecret,
  type Choice,
  canPrompt,
  choose,
  confirm,
  isCi,
  type Question,
  refuseIfNodeTells,
} from './input/prompt.js';
import { colourLevel } from './output/colour.js';
import { chooseFormat, type Format, isJson } from './output/format.js';
import { openPager, pagerCommand, type Screen } from './output/pager.js';
import { createProgress, NO_PROGRESS, type Progress } from './output/progress.js';
import { createRenderer, type Renderer } from './output/renderer.js';
import type { Result } from './output/result.js';
import { type OutputStreams, SECRET_WRITE } from './output/streams.js';

/** What the program needs of the process that it runs in. */
export interface Host {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Opened only when something is to be read from it. */
  readonly stdin: (waiting: Waiting) => AsyncIterable<Buffer>;
  readonly streams: OutputStreams & { readonly stderr: NodeJS.WritableStream };
  /** Nobody would ever see a secret there. */
  readonly stdoutWasClosed: boolean;
  readonly isTTY: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  /** The screen behind stdout; undefined without one. */
  readonly screen?: Screen | undefined;
  /** Columns of the terminal behind stdout; Infinity without one. */
  readonly width: () => number;
  /** Columns of the terminal behind stderr; Infinity without one. */
  readonly stderrWidth: () => number;
  readonly now: () => Date;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

/** An open database, on behalf of whoever runs the program. */
export type OpenService = Service & ConfinedService;

export interface UseOptions {
  /** For statements that may take minutes. */
  readonly patient?: boolean;
  /** Whether a person is told that the database is waited for, once that takes long. Not what is patient, unless named. */
  readonly waits?: boolean;
}

/** What a command runs with. */
export interface Context {
  readonly options: GlobalOptions;
  /** The words of the command line, as they were typed. */
  readonly argv: readonly string[];
  readonly renderer: Renderer;
  /** The same output in a format of the command's own choice. */
  rendererIn(format: Format): Renderer;
  config(): Promise<Config>;
  /**
   * Opens the database for `work`, which sees the tenant and acts as the actor of the configuration, and closes it
   * after. Nothing is held open between two uses, so that a person may think meanwhile.
   */
  use<T>(work: (service: OpenService) => Promise<T>, options?: UseOptions): Promise<T>;
  /** Prints a result that holds a new secret: it arrives in time, or this throws `OUTPUT_FAILED`. */
  reveal<Row>(result: Result<Row>): Promise<void>;
  /** A progress bar on stderr; one that draws nothing where no person watches. */
  progress(label: string, unit?: string): Progress;
  /** Says what is waited for, to a person who watches, unless the wait is ended within moments. */
  noteLater(text: string): () => void;
  /** Whether that one draws: what it needs to know may cost something. */
  readonly showsProgress: boolean;
  /** Whether a person reads a table, and what stands beside it, as they come. */
  readonly onScreen: boolean;
  /** Where the database is, for people, without a password. */
  place(): Promise<string>;
  /** This host's clock: it decides nothing. */
  readonly now: () => Date;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** What comes on stdin; the signal is heeded unless told otherwise. */
  readonly stdin: (waiting?: Waiting) => AsyncIterable<Buffer>;
  readonly stdinIsTTY: boolean;
  /** Whether a person can be asked. */
  readonly canPrompt: boolean;
  /** These three only where `canPrompt`: nothing is open while a person thinks. */
  confirm(message: string): Promise<boolean>;
  ask(question: Question): Promise<string>;
  /** For a secret: what is typed is not shown. */
  askSecret(message: string): Promise<string>;
  choose(message: string, choices: readonly Choice[]): Promise<string>;
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
      time: options.time,
      stderrWidth: host.stderrWidth(),
      colour: {
        stdout: colourLevel({ mode, env, isTTY: isTTY.stdout }),
        stderr: colourLevel({ mode, env, isTTY: isTTY.stderr }),
      },
      now: host.now,
      pager: pagerOf(host, options, chosen),
      signal,
    });
  const renderer = rendererIn(format);

  let loaded: Promise<Config> | undefined;
  const load = async (): Promise<Config> => {
    const interactive = isTTY.stdin && isTTY.stderr && !isCi(env);
    const config = await loadConfig(options, { env, interactive, signal });
    for (const note of config.notes) await renderer.note(note);
    return config;
  };
  const config = (): Promise<Config> => {
    loaded ??= load();
    return loaded;
  };

  const silent = isJson(format) || (options.quiet ?? false);
  const showsProgress = isTTY.stderr && !silent && env.TERM !== 'dumb' && !isCi(env);

  const noteOnTerminal = async (text: string): Promise<void> => {
    if (showsProgress) await renderer.note(text);
  };
  const noteLater = (text: string): (() => void) => {
    const timer = setTimeout(() => void noteOnTerminal(text), LONG_WAIT);
    return () => clearTimeout(timer);
  };

  return {
    options,
    argv: host.argv,
    renderer,
    rendererIn,
    noteLater,
    config,
    onScreen: isTTY.stdout && isTTY.stderr && renderer.tells,
    showsProgress,
    progress(label, unit) {
      if (!showsProgress) return NO_PROGRESS;
      return createProgress({
        stream: streams.stderr,
        label,
        ...(unit !== undefined && { unit }),
        width: host.stderrWidth(),
        clock: () => performance.now(),
      });
    },
    async use(work, { patient = false, waits = !patient } = {}) {
      const chosen = await config();
      const { openDatabase } = await import('./config/open-database.js');
      const broken: string[] = [];
      const breakLock = options.breakLock ? (from: string) => broken.push(from) : undefined;
      const waiting = (holder: string) =>
        void noteOnTerminal(`note: the embedded database is in use by ${holder}; waiting for it`);
      const preparing = isTTY.stderr
        ? (folder: string) =>
            renderer.note(`Preparing the built-in PostgreSQL in ${folder} (once, it takes some seconds)…`)
        : undefined;
      const service = await openDatabase(chosen, { env, signal, patient, breakLock, waiting, preparing });
      const endWait = waits
        ? noteLater('note: waiting for the database; another session may hold what this needs')
        : noWait;
      try {
        for (const from of broken) await renderer.note(lockBroken(from));
        const { tenant, actor } = chosen;
        return await work({ ...service, ...service.as({ tenant, actor }) });
      } finally {
        endWait();
        await service.close();
      }
    },
    async place() {
      const { locationOfDatabase } = await import('./config/open-database.js');
      return locationOfDatabase(await config(), env);
    },
    now: host.now,
    stdin: (waiting = { signal }) => host.stdin(waiting),
    stdinIsTTY: isTTY.stdin,
    signal,
    async reveal(result) {
      if (host.stdoutWasClosed) {
        throw new CliError(
          'OUTPUT_FAILED',
          'stdout is closed, so nobody would see the key; nothing was made',
          {
            hint: 'Give stdout a reader, or write the key to a file with --out-file.',
          },
        );
      }
      await renderer.result(result, SECRET_WRITE);
    },
    canPrompt: canPrompt({
      stdinIsTTY: isTTY.stdin,
      stderrIsTTY: isTTY.stderr,
      noInput: options.input === false,
      machine: silent,
      env,
    }),
    confirm: (message) => confirm(message, { output: streams.stderr, signal }),
    ask: (question) => ask(question, { output: streams.stderr, signal }),
    async askSecret(message) {
      refuseIfNodeTells(env.NODE_DEBUG);
      return askSecret(message, { output: streams.stderr, signal });
    },
    choose: (message, choices) => choose(message, choices, { output: streams.stderr, signal }),
  };
}

/** Whoever waits for longer wants to know what for, in milliseconds. */
const LONG_WAIT = 2_000;

const noWait = (): void => undefined;
/** Only for a table that a person reads on a screen that can be moved over. */
function pagerOf({ env, screen, isTTY, signal }: Host, options: GlobalOptions, format: Format) {
  const command = pagerCommand(env, screen?.usualPager ?? '');
  const asked = options.pager !== false && !options.quiet && format === 'table';
  const attended = isTTY.stdin && env.TERM !== 'dumb' && !isCi(env);
  if (screen === undefined || command === null || !asked || !attended) return undefined;
  return { rows: screen.rows(), open: () => openPager(command, { env, screen, signal }) };
}

const lockBroken = (from: string): string =>
  `warning: took the lock of the embedded database from ${from}; if that still runs, what it had not stored is lost`;
