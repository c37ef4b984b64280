/** What a schema's types give users at compile time. The type check of the repository runs these. */
// oxlint-disable no-new, vitest/expect-expect
import { type } from 'arktype'
import { Hono } from 'hono'
import {
  perEnv,
  SessionManager,
  type SchemaOptions,
  type Session,
  type SessionOptions,
  type StandardSchema,
} from 'latchkey'
import { withSession } from 'latchkey/fetch'
import { session, type SessionEnv } from 'latchkey/hono'
import { MemoryStore } from 'latchkey/stores/memory'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

type Item = { sku: string; n: number }
type Shop = { cart: Item[]; theme: 'light' | 'dark' }
type Notes = { notice: string }

const ofZod = z.object({
  cart: z.array(z.object({ sku: z.string(), n: z.number() })).default([]),
  theme: z.enum(['light', 'dark']).default('light'),
})
const ofValibot = v.object({
  cart: v.optional(v.array(v.object({ sku: v.string(), n: v.number() })), []),
  theme: v.optional(v.picklist(['light', 'dark']), 'light'),
})
const ofArktype = type({
  cart: type({ sku: 'string', n: 'number' })
    .array()
    .default(() => []),
  theme: "'light' | 'dark' = 'light'",
})
const devalue = { stringify: (value: unknown) => JSON.stringify(value), parse: (text: string) => JSON.parse(text) }
/** Its body is checked and never run. */
const checked = (_body: () => unknown): void => expect(_body).toBeTypeOf('function')

describe('Data', () => {
  it('is what the schema gives out: zod, valibot, arktype', () => {
    expectTypeOf(new SessionManager({ schema: ofZod })).toEqualTypeOf<SessionManager<Shop>>()
    expectTypeOf(new SessionManager({ schema: ofValibot })).toEqualTypeOf<SessionManager<Shop>>()
    expectTypeOf(new SessionManager({ schema: ofArktype })).toEqualTypeOf<SessionManager<Shop>>()
  })

  it('is inferred beside every other option, functions of the data included', () => {
    const sessions = new SessionManager({
      store: new MemoryStore(),
      schema: ofZod,
      initial: () => ({ cart: [], theme: 'dark' }),
      migrate: (raw) => ({ ...raw, cart: raw['basket'] ?? [] }),
      onInvalid: 'reset',
      onConflict: (base, mine, theirs) => {
        expectTypeOf(base).toEqualTypeOf<Shop>()
        return { ...theirs, theme: mine.theme }
      },
      ttl: '1h',
    })
    expectTypeOf(sessions).toEqualTypeOf<SessionManager<Shop>>()
    expectTypeOf<Awaited<ReturnType<typeof sessions.load>>>().toEqualTypeOf<Session<Shop>>()
    expectTypeOf<Awaited<ReturnType<typeof sessions.retrieveSession>>>().toEqualTypeOf<Shop>()
  })

  it('is the output, where that differs from the input', () => {
    const schema = z.object({ visits: z.coerce.number().default(0), name: z.string().trim().optional() })
    expectTypeOf(new SessionManager({ schema })).toEqualTypeOf<
      SessionManager<{ visits: number; name?: string | undefined }>
    >()
  })

  it('may be named, and then the schema must give it', () => {
    expectTypeOf(new SessionManager<Shop, Notes>({ schema: ofZod })).toEqualTypeOf<SessionManager<Shop, Notes>>()
    expectTypeOf(new SessionManager<z.output<typeof ofZod>, Notes>({ schema: ofZod })).toEqualTypeOf<
      SessionManager<Shop, Notes>
    >()
    checked(() => {
      // @ts-expect-error this schema gives no `visits`
      new SessionManager<{ visits: number }>({ schema: ofZod })
    })
  })
})

describe('`initial`', () => {
  it('must give the data of the schema, and does not widen it', () => {
    checked(() => {
      // @ts-expect-error of the wrong type
      new SessionManager({ schema: ofZod, initial: () => ({ cart: 'empty', theme: 'light' }) })
      // @ts-expect-error a key is missing
      new SessionManager({ schema: ofZod, initial: () => ({ cart: [] }) })
      // @ts-expect-error also with valibot
      new SessionManager({ schema: ofValibot, initial: () => ({}) })
      // @ts-expect-error and arktype
      new SessionManager({ schema: ofArktype, initial: () => ({ cart: [] }) })
    })
  })
})

describe('what is no schema of session data', () => {
  it('is refused', () => {
    checked(() => {
      // @ts-expect-error not an object
      new SessionManager({ schema: z.string() })
      // @ts-expect-error a shape is not a schema
      new SessionManager({ schema: { cart: z.array(z.string()) } })
      // @ts-expect-error a typing mistake beside it
      new SessionManager({ schema: ofZod, onInvald: 'reset' })
      // @ts-expect-error no such answer
      new SessionManager({ schema: ofZod, onInvalid: 'ignore' })
      // @ts-expect-error a migration that forgets to return
      new SessionManager({ schema: ofZod, migrate: (raw) => void delete raw['basket'] })
    })
  })

  it('also where its output is more than JSON holds: then a serializer is asked for', () => {
    const dated = z.object({ at: z.date().optional() })
    checked(() => {
      new SessionManager({ schema: dated, serializer: devalue })
      // @ts-expect-error a Date comes back from JSON as text
      new SessionManager({ schema: dated })
      // @ts-expect-error in valibot too
      new SessionManager({ schema: v.object({ at: v.optional(v.date()) }) })
      // @ts-expect-error and in arktype
      new SessionManager({ schema: type({ 'at?': 'Date' }) })
    })
  })
})

describe('without a schema', () => {
  it('types are as ever', () => {
    const options: SessionOptions<Shop> = { ttl: '1h' }
    const withSchema: SchemaOptions<Shop> = { schema: ofZod }
    checked(() => {
      new SessionManager<Partial<Shop>>({ migrate: (raw) => raw, onInvalid: 'reset' })
      new SessionManager<Shop>({ ...options, initial: () => ({ cart: [], theme: 'light' }) })
      new SessionManager(withSchema)
      // @ts-expect-error Shop has required keys
      new SessionManager<Shop>(options)
    })
  })

  it('a schema of one’s own is a few lines', () => {
    const schema: StandardSchema<{ n: number }> = {
      '~standard': {
        version: 1,
        vendor: 'shop',
        validate: (value) => ({ value: { n: Number((value as { n?: unknown }).n ?? 0) } }),
      },
    }
    expectTypeOf(new SessionManager({ schema })).toEqualTypeOf<SessionManager<{ n: number }>>()
  })
})

describe('the adapters', () => {
  it('type the session by the schema: c.var.session in Hono, also per environment', () => {
    const sessions = new SessionManager({ schema: ofArktype })
    new Hono<SessionEnv<typeof sessions>>().use(session(sessions)).get('/', (c) => {
      expectTypeOf(c.var.session).toEqualTypeOf<Session<Shop>>()
      return c.text('')
    })
    const perBinding = perEnv((_env: { KV: string }) => new SessionManager({ schema: ofValibot }))
    new Hono<SessionEnv<typeof perBinding> & { Bindings: { KV: string } }>().use(session(perBinding)).get('/', (c) => {
      expectTypeOf(c.var.session.data).toEqualTypeOf<Shop>()
      return c.text('')
    })
  })

  it('and in a raw handler', () => {
    withSession(new SessionManager({ schema: ofZod }), (_request, one) => {
      expectTypeOf(one.data).toEqualTypeOf<Shop>()
      return new Response()
    })
  })
})
