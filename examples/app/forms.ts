/** Reading what a browser sent: fields as text, whole numbers, and paths to come back to. Nothing here trusts its input. */
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'

/** The fields of a posted form as text; what is missing or is a file reads as `''`. */
export async function readForm(c: Context): Promise<(name: string) => string> {
  let fields: Record<string, unknown>
  try {
    fields = await c.req.parseBody()
  } catch {
    throw new HTTPException(400)
  }
  return (name) => {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined
    return typeof value === 'string' ? value : ''
  }
}

/** A whole number from `least` to `most`, or `undefined`. */
export function wholeNumber(text: string, least: number, most: number): number | undefined {
  if (!/^\d{1,4}$/.test(text.trim())) return undefined
  const value = Number(text)
  return value >= least && value <= most ? value : undefined
}

const HERE = 'http://here.invalid'

/**
 * The value as a path on this site, or `fallback`: a link to the sign-in page must not be able to send people elsewhere.
 * The URL parser decides, as it does in the browser: `//evil.example`, `/\evil.example` and a tab in between are other
 * hosts, and `/.//evil.example` becomes one when it is written out.
 */
export function localPath(value: string | undefined, fallback: string): string {
  if (!value?.startsWith('/') || !URL.canParse(value, HERE)) return fallback
  const { origin, pathname, search } = new URL(value, HERE)
  return origin === HERE && !pathname.startsWith('//') ? pathname + search : fallback
}
