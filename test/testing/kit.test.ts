/** The conformance kit is green on stores that keep their promises, whatever they are made of. */
import { MemoryStore } from 'latchkey/stores/memory'
import { conforms } from './conforms.ts'

await conforms('MemoryStore', () => new MemoryStore())
