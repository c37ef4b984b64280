/** Which manager a store acts for, when one of its lifecycle methods is called by hand. */
import { SessionStateError } from './errors.ts'
import type { SessionRecord } from './record.ts'
import type { Session } from './session.ts'

/** What a manager does for the lifecycle methods of its store. */
export interface Lifecycle {
  generate(request: Request): Session
  regenerate(request: Request): Promise<Session>
  createSession(request: Request, record: SessionRecord, bind: boolean): Session | Promise<Session>
}

const lifecycles = new WeakMap<object, Lifecycle>()
const managersOf = new WeakMap<object, { first: Pick<WeakRef<object>, 'deref'>; several: boolean }>()

/** Makes a manager known to its store. Weak on both sides: neither keeps the other alive. */
export function attach(store: object, manager: object, lifecycle: Lifecycle): void {
  lifecycles.set(manager, lifecycle)
  const known = managersOf.get(store)
  if (known) known.several = true
  else managersOf.set(store, { first: weakly(manager), several: false })
}

/** Workers had no `WeakRef` before the compatibility date 2025-05-05; there a store keeps its first manager alive. */
function weakly(manager: object): Pick<WeakRef<object>, 'deref'> {
  return typeof WeakRef === 'function' ? new WeakRef(manager) : { deref: () => manager }
}

/** The manager a store acts for when called by hand. @throws SessionStateError when it has none, or several */
export function managerOf(store: object): object {
  lifecycleOf(store, undefined)
  return managersOf.get(store)?.first.deref() ?? store
}

/** @throws SessionStateError when no manager was given and the store has none, or several */
export function lifecycleOf(store: object, manager: object | undefined): Lifecycle {
  const known = manager ? undefined : managersOf.get(store)
  if (known?.several) {
    throw new SessionStateError('This store serves several managers. Pass the manager as the last argument.')
  }
  const lifecycle = lifecycles.get(manager ?? known?.first.deref() ?? store)
  if (!lifecycle) {
    throw new SessionStateError('This store has no manager yet. Give it to a `new SessionManager({ store })`.')
  }
  return lifecycle
}
