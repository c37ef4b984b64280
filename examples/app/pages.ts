/** The pages: functions from what is to be shown to HTML. They know nothing of requests or sessions. */
import { html, raw } from 'hono/html'
import type { Session, SessionInfo } from 'latchkey'
import { ago, day, price } from './format.ts'
import { icon } from './icons.ts'
import type { Html } from './layout.ts'
import { catalogue, DEMO_PASSWORD, MOST, type Notes, type Product, type Shop } from './shop.ts'

export function homePage(visits: number): Html {
  return html`<div class="hero">
      <div class="stack">
        <h1>A small shop that remembers you</h1>
        <p class="lead">
          Your visits, your cart, who you are and on which devices: all of it is one session, held by the server and
          named by one cookie. No scripts, and nothing from anywhere else.
        </p>
        <a class="button" href="/shop">Look around</a>
      </div>
      <section class="card counter" aria-label="Visits">
        <p>Welcome${visits > 1 ? ' back' : ''}. This is your visit number</p>
        <output>${visits}</output>
        <p class="soft small">Counting is a write, so this page sets the cookie. Pages that only read set none.</p>
      </section>
    </div>
    <section>
      <h2>Things to try</h2>
      <ul class="tour">
        ${tour('/shop', 'Fill the cart', 'It is there when you come back, and it stays yours when you sign in.')}
        ${tour('/sign-in', 'Sign in', 'The cookie gets a new token in the same moment; the old one is worth nothing.')}
        ${tour('/devices', 'See your devices', 'Sign in from a second browser, then end its session from the first.')}
      </ul>
    </section>`
}

function tour(href: string, title: string, text: string): Html {
  return html`<li class="card">
    <h3><a href="${href}">${title}</a></h3>
    <p class="soft">${text}</p>
  </li>`
}

export function shopPage(): Html {
  return html`<div class="head">
      <h1>The shop</h1>
      <p class="lead">Good things for front doors. You need no account to fill a cart.</p>
    </div>
    <ul class="shelf">
      ${catalogue.map(
        (product) =>
          html`<li class="card product">
            <div class="picture">${icon(product.sku)}</div>
            <div class="words">
              <h2>${product.name}</h2>
              <p class="soft">${product.about}</p>
            </div>
            <form method="post" action="/cart/add">
              <input type="hidden" name="sku" value="${product.sku}" />
              <span class="price">${price(product.cents)}</span>
              <button class="button">Add to cart<span class="hidden">: ${product.name}</span></button>
            </form>
          </li>`,
      )}
    </ul>`
}

export function cartPage(lines: { product: Product; quantity: number }[], signedIn: boolean): Html {
  if (lines.length === 0) {
    return html`<div class="message">
      ${icon('counter-bell')}
      <h1>Your cart is empty</h1>
      <p class="lead">The shelves are not.</p>
      <a class="button" href="/shop">To the shop</a>
    </div>`
  }
  const total = lines.reduce((sum, { product, quantity }) => sum + product.cents * quantity, 0)
  return html`<div class="head">
      <h1>Your cart</h1>
      <p class="lead">
        ${
          signedIn
            ? 'Kept in this browser’s session, for as long as that lasts.'
            : html`Kept for you, signed in or not. <a href="/sign-in?next=/cart">Sign in</a>, and it comes along.`
        }
      </p>
    </div>
    <div class="card cart">
      <ul>
        ${lines.map(cartLine)}
      </ul>
      <p class="total"><span>Total</span> <strong class="price">${price(total)}</strong></p>
    </div>`
}

function cartLine({ product: { sku, name, cents }, quantity }: { product: Product; quantity: number }): Html {
  return html`<li>
    ${icon(sku)}
    <div>
      <h3>${name}</h3>
      <p class="soft small">${price(cents)} each</p>
    </div>
    <div class="change">
      <form method="post" action="/cart/change">
        <input type="hidden" name="sku" value="${sku}" />
        <label class="hidden" for="n-${sku}">How many of ${name}</label>
        <input id="n-${sku}" type="number" name="quantity" value="${quantity}" min="0" max="${MOST}" required />
        <button class="button plain">Change<span class="hidden">: ${name}</span></button>
      </form>
      <form method="post" action="/cart/remove">
        <input type="hidden" name="sku" value="${sku}" />
        <button class="link">Remove<span class="hidden">: ${name}</span></button>
      </form>
    </div>
    <span class="price">${price(cents * quantity)}</span>
  </li>`
}

/** What a sign-in form was filled with, to be shown again. Never the password. */
export type SignInForm = { next: string; login?: string; remember?: boolean; failed?: boolean }

export function signInPage({ next, login = '', remember = false, failed = false }: SignInForm): Html {
  return html`<div class="narrow">
    <div class="head">
      <h1>Sign in</h1>
      ${next === '/' ? '' : html`<p class="lead">Then you go on to <code>${next}</code>.</p>`}
    </div>
    <p class="card demo">
      <strong>This is a demo.</strong> Come in as <code>ada</code> or <code>grace</code>, the password is
      <code>${DEMO_PASSWORD}</code>. A real shop would check a slow hash, and count the tries.
    </p>
    ${failed ? html`<p class="note bad" role="alert" id="failed">No account has that name and password.</p>` : ''}
    <form class="card fields" method="post" action="/sign-in">
      <input type="hidden" name="next" value="${next}" />
      <p class="field">
        <label for="login">Name</label>
        <input
          id="login"
          type="text"
          name="login"
          value="${login}"
          autocomplete="username"
          autocapitalize="none"
          spellcheck="false"
          required
          ${failed ? raw('aria-describedby="failed"') : ''}
        />
      </p>
      <p class="field">
        <label for="password">Password</label>
        <input id="password" type="password" name="password" autocomplete="current-password" required />
      </p>
      <label class="check">
        <input type="checkbox" name="remember" value="yes" ${remember ? raw('checked') : ''} />
        <span>
          Remember me
          <span class="soft small">For 60 days after each visit. Otherwise it ends with your browser.</span>
        </span>
      </label>
      <button class="button">Sign in</button>
    </form>
  </div>`
}

/** `devices` is `undefined` where the store has no list of them: then there is this one to show. */
export function devicesPage(
  current: Session<Shop, Notes>,
  devices: SessionInfo[] | undefined,
  csrf: string,
  now: number,
): Html {
  const ordered = devices?.toSorted((a, b) => Number(b.current) - Number(a.current)) ?? [thisDevice(current)]
  return html`<div class="head">
      <h1>Your devices</h1>
      <p class="lead">Everywhere you are signed in. If you do not know one of them, end it.</p>
    </div>
    <ul class="devices">
      ${ordered.map((device) => deviceCard(device, csrf, now))}
    </ul>
    ${elsewhere(devices, csrf)}`
}

function elsewhere(devices: SessionInfo[] | undefined, csrf: string): Html {
  if (!devices)
    return html`<p class="soft">Here each device keeps its own session, in a cookie: the others cannot be listed.</p>`
  if (devices.length === 1) return html`<p class="soft">You are signed in nowhere else.</p>`
  return html`<form method="post" action="/devices/end-others">
    <input type="hidden" name="csrf" value="${csrf}" />
    <button class="button danger">Sign out everywhere else</button>
  </form>`
}

function thisDevice({ id = '', subject, info, createdAt, lastSeenAt, expiresAt }: Session<Shop, Notes>): SessionInfo {
  return { id, subject, info, createdAt, lastSeenAt, expiresAt, current: true }
}

function deviceCard(
  { id, info, current, createdAt, lastSeenAt, expiresAt }: SessionInfo,
  csrf: string,
  now: number,
): Html {
  const name = info['device'] ?? 'Unknown device'
  return html`<li class="card ${current ? 'current' : ''}">
    ${icon(/iPhone|Android/.test(name) ? 'phone' : 'device')}
    <div>
      <h2>${name} ${current ? html`<span class="badge">This device</span>` : ''}</h2>
      <p class="soft small">
        ${current ? 'In use now' : html`Last seen <time datetime="${new Date(lastSeenAt).toISOString()}">${ago(lastSeenAt, now)}</time>`},
        here since ${day(createdAt)}. Ends by itself if not used until ${day(expiresAt)}.
      </p>
    </div>
    <form method="post" action="/devices/end">
      <input type="hidden" name="csrf" value="${csrf}" />
      <input type="hidden" name="id" value="${id}" />
      <button class="button plain">Sign out<span class="hidden">: ${name}</span></button>
    </form>
  </li>`
}

const ERRORS: Record<number, [title: string, text: string]> = {
  400: ['That did not make sense', 'The form arrived in a way that cannot be read. Go back and try again.'],
  403: [
    'Not from here',
    'This form did not come from a current page of the shop, so nothing was done. Reload and try again.',
  ],
  404: ['No such page', 'There is nothing behind this door.'],
  413: ['Too much', 'That is more than a form of this shop can hold.'],
  503: ['Back in a moment', 'The shop cannot reach its memory just now. Nothing is lost; try again shortly.'],
}

/** Says what the visitor can do, and nothing about what went wrong inside. */
export function errorPage(status: number): Html {
  const [title, text] = ERRORS[status] ?? [
    'Something went wrong',
    'It is our fault, and nothing was changed. Please try again.',
  ]
  return html`<div class="message">
    <p class="code" aria-hidden="true">${status}</p>
    <h1>${title}</h1>
    <p class="lead">${text}</p>
    <a class="button" href="/shop">To the shop</a>
  </div>`
}
