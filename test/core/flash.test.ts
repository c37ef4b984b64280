import { SessionDataError } from 'latchkey'
import { describe, expect, it } from 'vitest'
import { Codec } from '../../src/core/data.ts'
import { FlashBox } from '../../src/core/flash.ts'

const codec = new Codec(undefined)
const box = (stored?: object): FlashBox => new FlashBox(codec, stored && JSON.stringify(stored))

describe('FlashBox', () => {
  it('gives what the last request left, and removes it with the next write', () => {
    const flash = box({ notice: 'saved', other: 1 })
    expect(flash.has('notice')).toBe(true)
    expect(flash.changed).toBe(false)
    expect(flash.take('notice')).toBe('saved')
    expect(flash.changed).toBe(true)
    expect(flash.on('{"notice":"saved","other":1}')).toBe('{"other":1}')
  })

  it('gives it again when asked again in the same request', () => {
    const flash = box({ notice: 'saved' })
    expect([flash.take('notice'), flash.take('notice')]).toEqual(['saved', 'saved'])
  })

  it('R18: and then takes nothing from what another request left under that key after save()', () => {
    const flash = box({ notice: 'saved' })
    flash.take('notice')
    flash.settled()
    expect([flash.take('notice'), flash.changed]).toEqual(['saved', false])
    expect(flash.on('{"notice":"saved"}')).toBe('{"notice":"saved"}')
  })

  it('R18: what the handler does to a value it read does not keep the message, however often it reads', () => {
    const stored = '{"notice":{"text":"saved"}}'
    const flash = new FlashBox(codec, stored)
    const notice = flash.take('notice') as { text: string }
    notice.text = 'changed'
    flash.take('notice')
    expect(flash.on(stored)).toBeUndefined()
  })

  it('P1: where nothing changed, the text stays as it is, also in another form than ours', () => {
    expect(box({ a: 1 }).on('{ "a": 1 }')).toBe('{ "a": 1 }')
  })

  it('clearing is a change where there is something to clear', () => {
    const [some, none] = [box({ notice: 'saved' }), box()]
    some.clear()
    none.clear()
    expect([some.changed, none.changed]).toEqual([true, false])
    expect(some.on('{"notice":"saved"}')).toBeUndefined()
  })

  it('leaves nothing behind once all is read', () => {
    const flash = box({ notice: 'saved' })
    flash.take('notice')
    expect(flash.on('{"notice":"saved"}')).toBeUndefined()
  })

  it('P1: asking for what is not there, or whether it is there, changes nothing', () => {
    const flash = box({ notice: 'saved' })
    expect(flash.take('other')).toBeUndefined()
    expect(flash.has('notice')).toBe(true)
    expect(flash.changed).toBe(false)
    expect(flash.on('{"notice":"saved"}')).toBe('{"notice":"saved"}')
    expect(box().take('x')).toBeUndefined()
    expect(box().changed).toBe(false)
  })

  it('what is put is for the next request, not for this one', () => {
    const flash = box({ notice: 'old' })
    flash.put('notice', 'new')
    flash.put('hint', 'x')
    expect(flash.has('hint')).toBe(false)
    expect(flash.take('notice')).toBe('old')
    expect(flash.on('{"notice":"old"}')).toBe('{"notice":"new","hint":"x"}')
  })

  it('R18: what another request left meanwhile stays', () => {
    const flash = box({ notice: 'one' })
    flash.take('notice')
    expect(flash.on('{"notice":"one","hint":"theirs"}')).toBe('{"hint":"theirs"}')
  })

  it('R18: a message is removed only if it still is the one that was read', () => {
    const flash = box({ notice: 'one' })
    flash.take('notice')
    expect(flash.on('{"notice":"two"}')).toBe('{"notice":"two"}')
  })

  it('R18: what another request already took stays away', () => {
    const flash = box({ notice: 'one', hint: 'h' })
    flash.take('notice')
    flash.put('own', 1)
    expect(flash.on(undefined)).toBe('{"own":1}')
    expect(flash.on('{"hint":"h"}')).toBe('{"hint":"h","own":1}')
  })

  it('a message that was read is removed also when the handler changed the value it was given', () => {
    const stored = { list: ['a'] }
    const flash = box(stored)
    ;(flash.take('list') as string[]).push('b')
    expect(flash.on(JSON.stringify(stored))).toBeUndefined()
  })

  it('clear drops everything, what others leave meanwhile included, but not what is put after it', () => {
    const flash = box({ notice: 'one' })
    flash.put('lost', 1)
    flash.clear()
    expect(flash.take('notice')).toBeUndefined()
    flash.put('bye', 'x')
    expect(flash.on('{"notice":"one","hint":"theirs"}')).toBe('{"bye":"x"}')
  })

  it('clearing an empty box is no change', () => {
    const flash = box()
    flash.clear()
    expect(flash.changed).toBe(false)
  })

  it('after the write, what arrived can still be read, and is not removed twice', () => {
    const flash = box({ notice: 'one', hint: 'h' })
    flash.take('notice')
    flash.settled()
    expect(flash.changed).toBe(false)
    expect(flash.on('{"hint":"h"}')).toBe('{"hint":"h"}')
    expect(flash.take('hint')).toBe('h')
    expect(flash.on('{"hint":"h"}')).toBeUndefined()
  })

  it('P18: names such as __proto__ and constructor are plain keys, absent unless put', () => {
    const flash = box({})
    for (const key of ['__proto__', 'constructor', 'toString']) {
      expect(flash.has(key)).toBe(false)
      expect(flash.take(key)).toBeUndefined()
      flash.put(key, key)
    }
    const text = flash.on(undefined)
    expect(text).toBe('{"__proto__":"__proto__","constructor":"constructor","toString":"toString"}')
    const next = new FlashBox(codec, text)
    expect(next.take('__proto__')).toBe('__proto__')
    expect(next.on(text)).toBe('{"constructor":"constructor","toString":"toString"}')
  })

  it('stored messages that cannot be read are as if there were none', () => {
    const flash = new FlashBox(codec, 'not json')
    expect(flash.take('notice')).toBeUndefined()
    flash.put('own', 1)
    expect(flash.on('not json')).toBe('{"own":1}')
  })

  it('what cannot be stored is a SessionDataError with its path', () => {
    const flash = box()
    flash.put('notice', { at: 1n })
    expect(() => flash.on(undefined)).toThrow(SessionDataError)
    expect(() => flash.on(undefined)).toThrow(/`notice\.at`/)
  })
})
