/**
 * The example app: a small shop whose visitors are remembered. Web-standard only, so the same app runs on Node, Deno, Bun
 * and Cloudflare Workers; each brings its own store.
 *
 * A request passes the security headers, then the style sheet, then the check that a post comes from here; only then is
 * the session loaded. Every post ends in a redirect, with what there is to say as a flash message.
 */
import { Hono, type Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { csrf } from 'hono/csrf'
import { etag } from 'hono/etag'
import { HTTPException } from 'hono/http-exception'
import { secureHeaders } from 'hono/secure-headers'
import { SessionUnsupportedError, StoreUnavailableError, type SessionInfo, type SessionManager } from 'latchkey'
import { requireSubject, session, type SessionEnv } from 'latchkey/hono'
import { deviceName } from './device.ts'
import { localPath, readForm, wholeNumber } from './forms.ts'
import { mark } from './icons.ts'
import { layout, type Html } from './layout.ts'
import { cartPage, devicesPage, errorPage, homePage, shopPage, signInPage } from './pages.ts'
import {
  addToCart,
  cartCount,
  cartLines,
  checkPassword,
  findProduct,
  findUser,
  MOST,
  setQuantity,
  type Notes,
  type Shop,
  type ShopSessions,
} from './shop.ts'
import { style } from './style.ts'

type ShopEnv = SessionEnv<SessionManager<Shop, Notes>>
type ShopContext = Context<ShopEnv>

export interface AppOptions {
  /** The clock for "last seen", in epoch milliseconds. Default `Date.now`. */
  now?: () => number
  /** Told what went wrong inside; the visitor is not. Default `console.error`. */
  log?: (error: unknown) => void
}

export function createApp(sessions: ShopSessions, options: AppOptions = {}): Hono<ShopEnv> {
  const { now = Date.now, log = console.error } = options
  const app = new Hono<ShopEnv>()
  const managerOf = (c: ShopContext) => (typeof sessions === 'function' ? sessions(c.env as never) : sessions)
  /** Everywhere this user is signed in; `undefined` where sessions are sealed in cookies, and nobody can list them. */
  const devicesOf = (c: ShopContext): Promise<SessionInfo[] | undefined> => {
    const { session: current } = c.var
    return managerOf(c)
      .listSessions(current.subject as string, { current })
      .catch(unlessUnsupported)
  }

  app.use(
    secureHeaders({
      contentSecurityPolicy: {
        defaultSrc: ["'none'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        frameAncestors: ["'none'"],
      },
      // With `no-referrer` browsers send `Origin: null` with forms, and the check below could not tell whose they are.
      referrerPolicy: 'same-origin',
      xFrameOptions: 'DENY',
      // Whether a host is https for good is not an example's to decide.
      strictTransportSecurity: false,
    }),
  )
  app.get('/style.css', etag(), (c) => c.body(style, 200, { 'Content-Type': 'text/css', 'Cache-Control': 'no-cache' }))
  app.get('/icon.svg', etag(), (c) =>
    c.body(mark, 200, { 'Content-Type': 'image/svg+xml', 'Cache-Control': 'max-age=86400' }),
  )
  app.use(bodyLimit({ maxSize: 16 * 1024 }))
  app.use(csrf())
  app.use(session(sessions))

  // --- the shop ----------------------------------------------------------------------------------------------------

  app.get('/', (c) => {
    // A change made through `update` is made again if another tab wrote in between: no visit is lost.
    c.var.session.update((data) => {
      data.visits += 1
    })
    return show(c, 'Welcome', homePage(c.var.session.data.visits))
  })

  app.get('/shop', (c) => show(c, 'Shop', shopPage()))

  app.get('/cart', (c) => {
    const lines = cartLines(c.var.session.data)
    return show(c, 'Cart', cartPage(lines, c.var.session.subject !== undefined))
  })

  app.post('/cart/add', async (c) => {
    const field = await readForm(c)
    const product = findProduct(field('sku'))
    const quantity = wholeNumber(field('quantity') || '1', 1, MOST)
    if (!product) return redirect(c, '/shop', { problem: 'That is not something we have.' })
    if (quantity === undefined) return redirect(c, '/shop', { problem: `Choose between 1 and ${MOST} of something.` })
    const before = cartCount(c.var.session.data)
    c.var.session.update((data) => addToCart(data, product.sku, quantity))
    if (cartCount(c.var.session.data) - before < quantity)
      return redirect(c, '/shop', { problem: `At most ${MOST} of one thing fit in a cart.` })
    return redirect(c, '/shop', { notice: `${product.name} is in your cart.` })
  })

  app.post('/cart/change', async (c) => {
    const field = await readForm(c)
    const product = findProduct(field('sku'))
    const quantity = wholeNumber(field('quantity'), 0, MOST)
    if (!product) return redirect(c, '/cart', { problem: 'That is not something we have.' })
    if (quantity === undefined)
      return redirect(c, '/cart', { problem: `Choose a whole number from 0 to ${MOST}; nothing was changed.` })
    c.var.session.update((data) => setQuantity(data, product.sku, quantity))
    return redirect(c, '/cart', { notice: quantity === 0 ? `${product.name} was removed.` : 'Your cart was changed.' })
  })

  app.post('/cart/remove', async (c) => {
    const field = await readForm(c)
    const product = findProduct(field('sku'))
    if (!product) return redirect(c, '/cart', { problem: 'That is not something we have.' })
    c.var.session.update((data) => setQuantity(data, product.sku, 0))
    return redirect(c, '/cart', { notice: `${product.name} was removed.` })
  })

  // --- signing in and out ------------------------------------------------------------------------------------------

  app.get('/sign-in', async (c) => {
    const next = localPath(c.req.query('next'), '/')
    if (c.var.session.subject !== undefined) return c.redirect(next, 303)
    return show(c, 'Sign in', signInPage({ next }))
  })

  app.post('/sign-in', async (c) => {
    const visitor = c.var.session
    const field = await readForm(c)
    const [login, next, remember] = [field('login'), localPath(field('next'), '/'), field('remember') === 'yes']
    const user = checkPassword(login, field('password'))
    if (!user) return show(c, 'Sign in', signInPage({ next, login, remember, failed: true }), 422)
    // Whoever proves who they are gets a new token. A visitor's cart comes along; another user's does not.
    visitor.regenerate({ keepData: visitor.subject === undefined || visitor.subject === user.id })
    visitor.subject = user.id
    visitor.lifetime = remember ? { ttl: '60d', absolute: '1y' } : { persistent: false }
    visitor.info = { device: deviceName(c.req.header('User-Agent')) }
    return redirect(c, next, { notice: `Welcome, ${user.name}.` })
  })

  app.post('/sign-out', async (c) => {
    if (c.var.session.subject === undefined) return c.redirect('/', 303)
    await checkToken(c)
    return signOut(c)
  })

  // --- devices -----------------------------------------------------------------------------------------------------

  app.use('/devices/*', requireSubject())

  app.get('/devices', async (c) => {
    const { session: current } = c.var
    return show(c, 'Your devices', devicesPage(current, await devicesOf(c), await current.csrfToken(), now()))
  })

  app.post('/devices/end', async (c) => {
    const { session: current } = c.var
    const id = (await checkToken(c))('id')
    if (id === current.id) return signOut(c)
    // With `subject` it ends only if it is theirs: ids are public, and may be anybody's.
    const ended = await managerOf(c).removeSessionById(id, { subject: current.subject as string })
    return redirect(
      c,
      '/devices',
      ended ? { notice: 'That device is signed out.' } : { notice: 'That device was signed out already.' },
    )
  })

  app.post('/devices/end-others', async (c) => {
    const { session: current } = c.var
    await checkToken(c)
    const count = await managerOf(c).removeSessionsOf(current.subject as string, { except: current })
    return redirect(c, '/devices', {
      notice: `${count} other ${count === 1 ? 'device is' : 'devices are'} signed out.`,
    })
  })

  // --- everything else ---------------------------------------------------------------------------------------------

  app.notFound((c) => showError(c, 404))

  app.onError((error, c) => {
    if (error instanceof StoreUnavailableError) {
      log(error)
      const { headers } = error.getResponse()
      return showError(c, 503, { 'Retry-After': headers.get('Retry-After') ?? '5' })
    }
    if (!(error instanceof HTTPException)) {
      log(error)
      return showError(c, 500)
    }
    if (error.status !== 401) return showError(c, error.status)
    const { pathname, search } = new URL(c.req.url)
    const back = c.req.method === 'GET' ? pathname + search : '/devices'
    return c.redirect(`/sign-in?next=${encodeURIComponent(back)}`, 303)
  })

  return app
}

/** A page, with what the visitor is to know: the flash messages are read here, and gone with the next request. */
async function show(c: ShopContext, title: string, main: Html, status: 200 | 422 = 200): Promise<Response> {
  const { session: current } = c.var
  // Only who is signed in has a session for certain. For anybody else a token would be a write, and so a cookie.
  const user =
    current.subject === undefined ? undefined : { name: nameOf(current.subject), csrf: await current.csrfToken() }
  const visitor = {
    cartCount: cartCount(current.data),
    user,
    notice: current.flash('notice'),
    problem: current.flash('problem'),
  }
  return c.html(layout({ title, path: c.req.path, visitor }, main), status)
}

function unlessUnsupported(error: unknown): undefined {
  if (!(error instanceof SessionUnsupportedError)) throw error
}

function nameOf(subject: string): string {
  return findUser(subject)?.name ?? 'Somebody'
}

/** An error's page knows nothing of the visitor, so it can be shown whatever broke, and eats no flash message. */
function showError(
  c: Context,
  status: 404 | 500 | 503 | HTTPException['status'],
  headers: Record<string, string> = {},
): Response | Promise<Response> {
  const page = layout({ title: `Error ${status}`, path: c.req.path }, errorPage(status))
  return c.html(page, status as 500, { 'Cache-Control': 'no-store', ...headers })
}

/** After a post: what there is to say, and where to look at it. 303, so that a reload does not post again. */
function redirect(c: ShopContext, path: string, message: Partial<Notes>): Response {
  if (message.notice !== undefined) c.var.session.flash('notice', message.notice)
  if (message.problem !== undefined) c.var.session.flash('problem', message.problem)
  return c.redirect(path, 303)
}

/** Ends everything but the visitor's presence: a new token, an empty cart, nobody's name, and a word of goodbye. */
function signOut(c: ShopContext): Response {
  c.var.session.regenerate({ keepData: false })
  return redirect(c, '/shop', { notice: 'You are signed out. Until next time.' })
}

/** Refuses a form that does not carry this session's CSRF token, and returns its fields. */
async function checkToken(c: ShopContext): Promise<(name: string) => string> {
  const field = await readForm(c)
  if (!(await c.var.session.verifyCsrf(field('csrf')))) throw new HTTPException(403)
  return field
}
