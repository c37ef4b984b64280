/** One shop's data as three libraries and a few lines of one's own describe it. */
import { type } from 'arktype'
import type { StandardResult, StandardSchema } from 'latchkey'
import * as v from 'valibot'
import { z } from 'zod'

export interface Shop {
  cart: { sku: string; n: number }[]
  theme: 'light' | 'dark'
  address?: { city: string } | undefined
}

const zod: StandardSchema<Shop> = z.object({
  cart: z.array(z.object({ sku: z.string(), n: z.number() })).default([]),
  theme: z.enum(['light', 'dark']).default('light'),
  address: z.object({ city: z.string() }).optional(),
})

const valibot: StandardSchema<Shop> = v.object({
  cart: v.optional(v.array(v.object({ sku: v.string(), n: v.number() })), []),
  theme: v.optional(v.picklist(['light', 'dark']), 'light'),
  address: v.optional(v.object({ city: v.string() })),
})

const arktype: StandardSchema<Shop> = type({
  cart: type({ sku: 'string', n: 'number' })
    .array()
    .default(() => []),
  theme: "'light' | 'dark' = 'light'",
  'address?': type({ city: 'string' }),
})

/** The shop by each library, and by zod with an answer that comes only later. */
export const libraries = [
  { name: 'zod', schema: zod },
  { name: 'valibot', schema: valibot },
  { name: 'arktype', schema: arktype },
  { name: 'an async schema', schema: own((value) => zod['~standard'].validate(value), true) as StandardSchema<Shop> },
]

/** A schema of one's own around a function; `later` makes it answer by a promise. */
export function own(
  validate: (value: any) => StandardResult<unknown> | Promise<StandardResult<unknown>>,
  later = false,
): StandardSchema<any> {
  return {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => (later ? Promise.resolve().then(() => validate(value)) : validate(value)),
    },
  }
}
