/**
 * What the shop sells and who may sign in, and what a session keeps of a visitor: one type, used by every page and every
 * runtime. The cart functions take the session's data as `session.update` hands it over, so that two clicks at once both
 * count.
 */
import type { Duration, ManagerSource } from 'latchkey'

/** The data of a session. */
export type Shop = {
  visits: number
  cart: CartLine[]
}

export type CartLine = { sku: string; quantity: number }

/** The messages that one request leaves for the next. */
export type Notes = {
  notice: string
  problem: string
}

/** What `createApp` and the `session()` middleware take: a manager, or `perEnv(…)` where bindings come with the request. */
export type ShopSessions = ManagerSource<Shop, Notes, [env: never]>

/** The session options that belong to this app, whatever it runs on. The store and the secret belong to the runtime. */
export const shopOptions: { initial: () => Shop; touchEvery: Duration } = {
  initial: () => ({ visits: 0, cart: [] }),
  // "Last seen" on the devices page is at most this old. The price is one small write per visitor in that time.
  touchEvery: '5m',
}

export type Product = { sku: string; name: string; about: string; cents: number }

export const catalogue: readonly Product[] = [
  { sku: 'brass-key', name: 'Brass key', about: 'Cut while you wait. Warm in the hand.', cents: 650 },
  { sku: 'padlock', name: 'Padlock', about: 'Hardened shackle, two keys, no app.', cents: 1890 },
  { sku: 'door-knocker', name: 'Door knocker', about: 'A cast ring that carries through the house.', cents: 3400 },
  { sku: 'counter-bell', name: 'Counter bell', about: 'One tap, one clear note.', cents: 1250 },
  { sku: 'letter-plate', name: 'Letter plate', about: 'Sprung flap, keeps the draught outside.', cents: 2795 },
  { sku: 'key-rail', name: 'Key rail', about: 'Oak, three hooks, for the wall by the door.', cents: 2200 },
]

/** How many of one product fit in a cart. */
export const MOST = 20

export function findProduct(sku: string): Product | undefined {
  return catalogue.find((product) => product.sku === sku)
}

/** Puts more of a product in the cart, up to `MOST`. */
export function addToCart(data: Shop, sku: string, quantity: number): void {
  const line = data.cart.find((one) => one.sku === sku)
  if (line) line.quantity = Math.min(line.quantity + quantity, MOST)
  else data.cart.push({ sku, quantity })
}

/** Sets how many of a product are in the cart; 0 takes it out. */
export function setQuantity(data: Shop, sku: string, quantity: number): void {
  const line = data.cart.find((one) => one.sku === sku)
  if (line) line.quantity = quantity
  data.cart = data.cart.filter((one) => one.quantity > 0)
}

/** The cart with its products; what has left the catalogue since is left out. */
export function cartLines(data: Shop): { product: Product; quantity: number }[] {
  return data.cart.flatMap(({ sku, quantity }) => {
    const product = findProduct(sku)
    return product ? [{ product, quantity }] : []
  })
}

export function cartCount(data: Shop): number {
  return cartLines(data).reduce((sum, line) => sum + line.quantity, 0)
}

export type User = { id: string; login: string; name: string }

const users: readonly User[] = [
  { id: 'u_ada', login: 'ada', name: 'Ada' },
  { id: 'u_grace', login: 'grace', name: 'Grace' },
]

/** Shown on the sign-in page: this is a demo. */
export const DEMO_PASSWORD = 'open sesame'

/** The user of a login and a password. A demo: a real app keeps slow, salted hashes and limits the tries. */
export function checkPassword(login: string, password: string): User | undefined {
  if (password !== DEMO_PASSWORD) return undefined
  return users.find((user) => user.login === login.trim().toLowerCase())
}

export function findUser(id: string | undefined): User | undefined {
  return users.find((user) => user.id === id)
}
