/** The shop's drawings, inline: nothing is fetched from another origin, and they take the colour of the text. */
import { raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

const DRAWINGS: Record<string, string> = {
  'brass-key':
    '<circle cx="20" cy="32" r="11"/><circle cx="17" cy="32" r="3"/><path d="M31 32h25M48 32v8M55 32v6M41 32v4"/>',
  padlock:
    '<rect x="15" y="28" width="34" height="26" rx="4"/><path d="M22 28v-7a10 10 0 0 1 20 0v7"/><circle cx="32" cy="39" r="3"/><path d="M32 42v5"/>',
  'door-knocker':
    '<path d="M25 8h14l3 7-4 7H26l-4-7z"/><path d="M25.5 23.5a16 16 0 1 0 13 0"/><circle cx="32" cy="53.5" r="3.5"/>',
  'counter-bell':
    '<path d="M12 44a20 20 0 0 1 40 0z"/><path d="M8 50h48M32 24v-5"/><circle cx="32" cy="16" r="3"/><path d="M20 40a13 13 0 0 1 7-8"/>',
  'letter-plate':
    '<rect x="8" y="20" width="48" height="24" rx="4"/><rect x="17" y="27" width="30" height="10" rx="2"/><path d="M12.5 32h.01M51.5 32h.01"/>',
  'key-rail':
    '<rect x="8" y="16" width="48" height="9" rx="2.5"/><path d="M16 25v8a4 4 0 0 0 8 0M29 25v8a4 4 0 0 0 8 0M42 25v8a4 4 0 0 0 8 0"/><path d="M33 37v13m0-5h4m-4 5h3"/>',
  device: '<rect x="10" y="14" width="44" height="30" rx="3"/><path d="M24 52h16M32 44v8"/>',
  phone: '<rect x="20" y="8" width="24" height="48" rx="4"/><path d="M29 49h6"/>',
}

/** A decoration of the page: what it shows is always said in words beside it. */
export function icon(name: string): HtmlEscapedString {
  return raw(
    `<svg class="icon" viewBox="0 0 64 64" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round">${DRAWINGS[name] ?? ''}</svg>`,
  )
}

/** The mark beside the shop's name, and the icon of the tab. */
export const mark =
  '<svg xmlns="http://www.w3.org/2000/svg" class="mark" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="#8a5208"/><circle cx="16" cy="12.5" r="5" fill="#fff"/><path d="M16 14l4 11h-8z" fill="#fff"/></svg>'
