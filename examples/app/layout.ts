/**
 * The frame around every page. Plain HTML: no scripts, nothing from another origin. `html` escapes whatever is put into
 * it, the visitor's own input included.
 */
import { html, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import { mark } from './icons.ts'

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>

/** What the frame shows of the visitor; left out where nothing is known of them. */
export type Visitor = {
  cartCount: number
  /** The name of who is signed in, and the token that their forms carry. */
  user: { name: string; csrf: string } | undefined
  notice: string | undefined
  problem: string | undefined
}

export type Frame = { title: string; path: string; visitor?: Visitor }

export function layout({ title, path, visitor }: Frame, main: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Key & Latch</title>
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/style.css" />
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        <header class="top">
          <div class="wrap">
            <a class="brand" href="/">${raw(mark)} Key & Latch</a>
            <nav aria-label="Main">${link('/shop', 'Shop', path)} ${visitor ? account(visitor, path) : ''}</nav>
          </div>
        </header>
        <main id="main" class="wrap">
          ${visitor?.notice ? html`<p class="note good" role="status">${visitor.notice}</p>` : ''}
          ${visitor?.problem ? html`<p class="note bad" role="alert">${visitor.problem}</p>` : ''} ${main}
        </main>
        <footer class="foot">
          <div class="wrap">An example for latchkey. Nothing is sold here; the sessions are real.</div>
        </footer>
      </body>
    </html>`
}

function account({ cartCount, user }: Visitor, path: string): Html {
  const items = cartCount === 1 ? 'item' : 'items'
  const badge = html`<span class="count">${cartCount}<span class="hidden"> ${items}</span></span>`
  const cart = link('/cart', html`Cart ${cartCount > 0 ? badge : ''}`, path)
  if (!user) return html`${cart} ${link('/sign-in', 'Sign in', path, 'push')}`
  return html`${cart} ${link('/devices', 'Devices', path)}
    <span class="who push">${user.name}</span>
    <form method="post" action="/sign-out">
      <input type="hidden" name="csrf" value="${user.csrf}" />
      <button>Sign out</button>
    </form>`
}

function link(href: string, text: string | Html, path: string, className = ''): Html {
  return html`<a href="${href}" class="${className}" ${href === path ? raw('aria-current="page"') : ''}>${text}</a>`
}
