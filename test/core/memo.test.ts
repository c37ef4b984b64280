import { describe, expect, it } from 'vitest'
import { Memo } from '../../src/core/memo.ts'

describe('a memo', () => {
  it('gives what was remembered under exactly that text', () => {
    const memo = new Memo<string>()
    memo.set('token', 'verifier')
    expect([memo.get('token'), memo.get('Token'), memo.get('token ')]).toEqual(['verifier', undefined, undefined])
  })

  it('gives nothing for a text that only ends alike, and keeps the newer of two that do', () => {
    const memo = new Memo<string>()
    const end = 'x'.repeat(40)
    memo.set(`one.${end}`, 'of one')
    expect([memo.get(`two.${end}`), memo.get(end), memo.get(`one.${end}`)]).toEqual([undefined, undefined, 'of one'])
    memo.set(`two.${end}`, 'of two')
    expect([memo.get(`one.${end}`), memo.get(`two.${end}`)]).toEqual([undefined, 'of two'])
  })

  it('is bounded: the thousand newest are kept, the oldest makes room', () => {
    const memo = new Memo<number>()
    for (let n = 0; n <= 1_000; n++) memo.set(`token ${n}`, n)
    expect([memo.get('token 0'), memo.get('token 1'), memo.get('token 1000')]).toEqual([undefined, 1, 1_000])
  })

  it('is bounded in bytes too: what no cookie could hold, as a large row sealed at rest, is not kept', () => {
    const memo = new Memo<number>()
    const [longest, longer] = ['x'.repeat(3 * 4096), 'x'.repeat(3 * 4096 + 1)]
    for (const text of [longest, longer]) memo.set(text, text.length)
    expect([memo.get(longest), memo.get(longer)]).toEqual([3 * 4096, undefined])
  })
})
