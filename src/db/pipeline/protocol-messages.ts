/** One execution of a statement for each parameter, with one Sync behind them. */
export interface ExtendedQuery {
  /** The statement's text, unless the server has it by that name already. */
  readonly text: string | undefined;
  readonly name: string;
  /** Each is the one parameter, in binary, of one execution. */
  readonly parameters: readonly Buffer[];
}

const BIND_FIXED = 21;
/** Of the unnamed portal, all rows; and Sync. */
const EXECUTE = Buffer.from('450000000900' + '00000000', 'hex');
const SYNC = Buffer.from('5300000004', 'hex');

/**
 * The messages Parse (if there is a text), Bind, Execute and Sync in one buffer, with results asked for in binary.
 * See "Message Formats" in PostgreSQL's documentation of its protocol, version 3.
 */
export function encodeExtendedQuery({ text, name, parameters }: ExtendedQuery): Buffer {
  const nameLength = Buffer.byteLength(name);
  const parse = text === undefined ? 0 : 9 + nameLength + Buffer.byteLength(text);
  const binds = parameters.reduce((sum, { length }) => sum + BIND_FIXED + nameLength + length, 0);
  const messages = Buffer.allocUnsafe(parse + binds + parameters.length * EXECUTE.length + SYNC.length);
  let at = 0;
  const byte = (value: number): void => {
    messages[at++] = value;
  };
  const int16 = (value: number): void => {
    at = messages.writeInt16BE(value, at);
  };
  const int32 = (value: number): void => {
    at = messages.writeInt32BE(value, at);
  };
  const string = (value: string): void => {
    at += messages.write(value, at);
    byte(0);
  };
  if (text !== undefined) {
    byte(0x50);
    int32(parse - 1);
    string(name);
    string(text);
    int16(0); // the server finds the types
  }
  for (const parameter of parameters) {
    byte(0x42);
    int32(BIND_FIXED - 1 + nameLength + parameter.length);
    byte(0); // the unnamed portal
    string(name);
    int16(1); // all parameters
    int16(1); // in binary
    int16(1); // one
    int32(parameter.length);
    at += parameter.copy(messages, at);
    int16(1); // all results
    int16(1); // in binary
    at += EXECUTE.copy(messages, at);
  }
  SYNC.copy(messages, at);
  return messages;
}
