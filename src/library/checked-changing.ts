import type { Caller } from '../service/context.js';
import type { ChangingCaller, Service } from '../service/service.js';
import type { BadLine, UsageLine } from '../service/usage/import-usage.js';
import type { ChangingKeys } from './changing-keys.js';
import { argument, callback, checked, idArgument, invalid, required } from './check.js';
import { checkedReading } from './checked-reading.js';
import * as shapes from './requests.js';
import { faultOf, stream } from './shape.js';

/** The service on somebody's behalf, checked as {@link checkedReading} is. A bad caller is an error of what is called. */
export function checkedChanging(service: Pick<Service, 'as'>, caller: ChangingCaller): ChangingKeys {
  const own = () => {
    required<Caller>(shapes.CALLER, caller);
    return service.as({ ...caller });
  };
  return {
    ...checkedReading(own),
    create: async (request, reveal) =>
      own().create(required(shapes.CREATE, request), callback('reveal', reveal)),
    update: async (request) => own().update(required(shapes.UPDATE, request)),
    updateScopes: async (request) => own().updateScopes(required(shapes.SCOPES, request)),
    rotate: async (request, reveal) =>
      own().rotate(required(shapes.ROTATE, request), callback('reveal', reveal)),
    endGrace: async (request) => own().endGrace(required(shapes.END_GRACE, request)),
    async revoke(request) {
      if (request !== null && typeof request === 'object' && 'owner' in request && !('keys' in request)) {
        return own().revoke(required(shapes.REVOKE_OWNER, request));
      }
      return own().revoke(required(shapes.REVOKE, request));
    },
    freeze: async (request) => own().freeze(required(shapes.FREEZE, request)),
    unfreeze: async (request) => own().unfreeze(required(shapes.UNFREEZE, request)),
    freezeOwner: async (request) => own().freezeOwner(required(shapes.FREEZE_OWNER, request)),
    unfreezeOwner: async (request) => own().unfreezeOwner(required(shapes.UNFREEZE_OWNER, request)),
    setPolicy: async (request) => own().setPolicy(required(shapes.POLICY, request)),
    storeUsage: async (keyId, increment) =>
      own().storeUsage(idArgument(keyId), required(shapes.INCREMENT, increment)),
    importUsage: async (lines, request) =>
      own().importUsage(
        checkedLines(argument('the usage', stream<UsageLine | BadLine>(), lines)),
        checked(shapes.IMPORT, request),
      ),
    migrate: async (options) => own().migrate(checked(shapes.MIGRATE, options)),
    applyGrants: async (request) => own().applyGrants(required(shapes.GRANT, request)),
    cleanup: async (request, progress) =>
      own().cleanup(required(shapes.CLEANUP, request), callback('progress', progress)),
  };
}

async function* checkedLines(lines: AsyncIterable<UsageLine | BadLine>): AsyncGenerator<UsageLine | BadLine> {
  for await (const line of lines) {
    const isBad = line !== null && typeof line === 'object' && 'reason' in line;
    const fault = faultOf(isBad ? shapes.BAD_LINE : shapes.USAGE_LINE, line);
    if (fault !== null) throw invalid(`a line of usage is not usable: ${fault}`);
    yield line;
  }
}
