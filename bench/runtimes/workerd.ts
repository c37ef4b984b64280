/** The Worker: a driver behind requests. The clock outside measures, since the one in here stands still while it computes. */
import { everyone } from '../everyone.ts'
import { localDriver, type Driver, type Place } from '../driver.ts'
import { groupsOf } from '../scenarios.ts'

export interface Call {
  quick: boolean
  method: keyof Driver | 'nothing'
  place: Place
  calls: number
  inFlight: number
}

// A peer that logs every bad cookie is measured without the terminal's time.
console.error = () => {}

let driver: Driver | undefined

export default {
  async fetch(request: Request): Promise<Response> {
    const { quick, method, place, calls, inFlight } = (await request.json()) as Call
    driver ??= localDriver(groupsOf(everyone, quick), '')
    if (method === 'open') return Response.json({ left: await driver.open(place) })
    if (method === 'prepare') await driver.prepare(place, calls)
    if (method === 'run') await driver.run(place, calls, inFlight)
    if (method === 'close') await driver.close(place.group)
    return Response.json({})
  },
}
