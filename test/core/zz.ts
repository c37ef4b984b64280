import { SessionManager } from 'latchkey'
import type { NeedsSerializer } from '../../src/core/types.ts'
type X = NeedsSerializer<Record<string, unknown>>
type Y = unknown extends X ? 1 : 0
type Z = object extends Record<string, unknown> ? 1 : 0
export const y: Y = 1
export const z: Z = 1
export const m = new SessionManager()
export const n = new SessionManager<Record<string, unknown>>()
export const o = new SessionManager({ttl:'1h'})
