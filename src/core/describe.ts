/** What messages say of a wrong value: its type, and never the value itself. */
export function describe(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'number' && !(value > 0)) return 'a number that is not above 0'
  if (typeof value === 'string') return 'a string of another form'
  return value === undefined ? 'undefined' : `${/^[aeiou]/.test(typeof value) ? 'an' : 'a'} ${typeof value}`
}
