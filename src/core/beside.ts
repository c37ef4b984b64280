/**
 * Something of ours beside an object that is not: a `Request`, a context. Kept as a private field of that object, which nobody
 * else can see; a `WeakMap` would do the same, but its entries are looked at by every garbage collection.
 */
const Given = function (object: object): object {
  return object
} as unknown as new (object: object) => object

export interface Beside<Value> {
  get(object: object): Value | undefined
  set(object: object, value: Value): void
}

/** A place beside every object, for one kind of value. */
export function beside<Value>(): Beside<Value> {
  class Place extends Given {
    #value: Value | undefined

    static get(object: object): Value | undefined {
      return #value in object ? object.#value : undefined
    }

    static set(object: object, value: Value): void {
      const place = #value in object ? object : (new Place(object) as Place)
      place.#value = value
    }
  }
  return Place
}
