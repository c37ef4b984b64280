import { describe, expect, it } from 'vitest'
import { InfoBox } from '../../src/core/info.ts'

describe('info', () => {
  it('P3: looking at it is no change, and a change put back is none', () => {
    const info = new InfoBox({ device: 'Firefox' })
    info.live['city'] = 'Lyon'
    expect(info.changed).toBe(true)
    delete info.live['city']
    expect(info.changed).toBe(false)
  })

  it('P3: a key that is taken out is a change', () => {
    const info = new InfoBox({ device: 'Firefox', city: 'Lyon' })
    delete info.live['city']
    expect([info.changed, info.on(undefined)]).toEqual([true, { device: 'Firefox' }])
  })

  it('leaves the record’s own object alone', () => {
    const stored = { device: 'Firefox' }
    new InfoBox(stored).live['device'] = 'Safari'
    expect(stored).toEqual({ device: 'Firefox' })
  })

  it('P4: merges by key, mine winning one that both sides changed', () => {
    const info = new InfoBox({ device: 'Firefox', city: 'Lyon', left: 'x' })
    info.replace({ device: 'Safari', city: 'Lyon' })
    expect(info.on({ device: 'Chrome', city: 'Nice', left: 'x', more: 'y' })).toEqual({
      device: 'Safari',
      city: 'Nice',
      more: 'y',
    })
  })

  it('without anything to merge with it is mine, and empty it is nothing', () => {
    const info = new InfoBox({ device: 'Firefox' })
    expect(info.on(undefined)).toEqual({ device: 'Firefox' })
    info.replace({})
    expect(info.on(undefined)).toBeUndefined()
    expect(info.on({})).toBeUndefined()
  })

  it('holds strings only, and names the key of what is none', () => {
    const info = new InfoBox()
    info.live['visits'] = 3 as never
    expect(() => info.on(undefined)).toThrow(expect.objectContaining({ code: 'SESSION_DATA', path: 'info.visits' }))
    expect(() => info.replace('x')).toThrow(expect.objectContaining({ code: 'SESSION_DATA', path: 'info' }))
  })
})
