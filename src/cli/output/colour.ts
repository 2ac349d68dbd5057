/** 0 none, 1 the terminal's own 16 colours, 2 256 colours, 3 true colour. */
export type ColourLevel = 0 | 1 | 2 | 3;

/** What `--color` takes. */
export const COLOUR_MODES = ['auto', 'always', 'never'] as const;

export type ColourMode = (typeof COLOUR_MODES)[number];

export interface ColourFacts {
  /** The flag `--color`. */
  readonly mode: ColourMode;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether this stream is a terminal: stdout and stderr are asked separately. */
  readonly isTTY: boolean;
}

/**
 * How much colour one stream gets: by the flag, then `NO_COLOR`, `FORCE_COLOR` (`0` and `false` are off,
 * `1` to `3` a level), `TERM=dumb`, then whether it is a terminal. A variable that is set but empty says nothing.
 *
 * @example
 * ```ts
 * colourLevel({ mode: 'auto', env: { NO_COLOR: '1' }, isTTY: true }); // 0
 * ```
 */
export function colourLevel({ mode, env, isTTY }: ColourFacts): ColourLevel {
  if (mode === 'never') return 0;
  if (mode === 'always') return colourDepth(env);
  if (env.NO_COLOR) return 0;
  const force = env.FORCE_COLOR;
  if (force) return forcedLevel(force, env);
  if (env.TERM === 'dumb' || !isTTY) return 0;
  return colourDepth(env);
}

function forcedLevel(force: string, env: ColourFacts['env']): ColourLevel {
  switch (force.toLowerCase()) {
    case '0':
    case 'false':
      return 0;
    case '1':
      return 1;
    case '2':
      return 2;
    case '3':
      return 3;
    default:
      return colourDepth(env);
  }
}

function colourDepth(env: ColourFacts['env']): ColourLevel {
  if (/^(truecolor|24bit)$/i.test(env.COLORTERM ?? '')) return 3;
  return /256/.test(env.TERM ?? '') ? 2 : 1;
}
