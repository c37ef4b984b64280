import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { beside } from '../../src/core/beside.ts'

describe('something beside an object that is not ours', () => {
  it('is found by that object and by no other', () => {
    const place = beside<string>()
    const [one, other] = [new Request('https://shop.example/'), new Request('https://shop.example/')]
    place.set(one, 'mine')
    expect([place.get(one), place.get(other)]).toEqual(['mine', undefined])
  })

  it('can be replaced', () => {
    const place = beside<string>()
    const object = {}
    place.set(object, 'first')
    place.set(object, 'second')
    expect(place.get(object)).toBe('second')
  })

  it('is apart from what another place has beside the same object', () => {
    const [one, two] = [beside<string>(), beside<string>()]
    const object = {}
    one.set(object, 'of one')
    expect(two.get(object)).toBeUndefined()
    two.set(object, 'of two')
    expect([one.get(object), two.get(object)]).toEqual(['of one', 'of two'])
  })

  it('leaves nothing to see on the object (P13)', () => {
    const place = beside<string>()
    const object = {}
    place.set(object, 'a secret')
    expect([Reflect.ownKeys(object), JSON.stringify(object), inspect(object, { showHidden: true })]).toEqual([
      [],
      '{}',
      '{}',
    ])
  })

  it('goes with objects that cannot be changed', () => {
    const place = beside<string>()
    const frozen = Object.freeze({})
    place.set(frozen, 'mine')
    expect(place.get(frozen)).toBe('mine')
  })
})
