/** An option. Its name in a definition is in camel case: `outFile` is `--out-file`. */
export interface OptionSpec {
  readonly description: string;
  /** What follows it, such as `<file>`; a switch has none. */
  readonly value?: `<${string}>`;
  /** One letter: `o` for `-o`. */
  readonly short?: string;
  readonly choices?: readonly string[];
  /** What completion offers, while any text is taken. */
  readonly offers?: readonly string[];
  /** Makes a value of the text, or throws what is wrong with it. */
  readonly parse?: (text: string) => unknown;
  /** Each time that it is given adds a value. Any other option takes one value, once. */
  readonly repeatable?: true;
  readonly required?: true;
  /** `--no-input`: `input` is false where it is given. */
  readonly negated?: true;
}

/** An argument: `<key>`, `[key]` if it can be left out, `[key...]` for any number. */
export interface ArgumentSpec {
  readonly value: `<${string}>` | `[${string}]`;
  readonly description?: string;
  readonly choices?: readonly string[];
  /** What completion offers, while any text is taken. */
  readonly offers?: readonly string[];
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;
export type ArgumentSpecs = Readonly<Record<string, ArgumentSpec>>;

/** A command without arguments, or without options of its own. */
export type None = Readonly<Record<never, never>>;

type OneOf<Spec> = Spec extends { readonly choices: readonly (infer Choice)[] }
  ? Choice
  : Spec extends { readonly parse: (text: string) => infer Parsed }
    ? Parsed
    : string;

type OptionValue<Spec> = Spec extends { readonly value: string }
  ? Spec extends { readonly repeatable: true }
    ? readonly string[]
    : OneOf<Spec>
  : boolean;

type ArgumentValue<Spec> = Spec extends { readonly value: `${string}...${string}` }
  ? readonly OneOf<Spec>[]
  : Spec extends { readonly value: `<${string}` }
    ? OneOf<Spec>
    : OneOf<Spec> | undefined;

type Required<Specs> = {
  [Name in keyof Specs]: Specs[Name] extends { readonly required: true } ? Name : never;
}[keyof Specs];

/** What a command line gives for options. */
export type OptionValues<Specs> = {
  readonly [Name in Required<Specs>]: OptionValue<Specs[Name]>;
} & {
  readonly [Name in Exclude<keyof Specs, Required<Specs>>]?: OptionValue<Specs[Name]> | undefined;
};

/** What a command line gives for arguments and options, by their names in the definition. */
export type Input<Arguments, Options> = {
  readonly [Name in keyof Arguments]: ArgumentValue<Arguments[Name]>;
} & OptionValues<Options>;
