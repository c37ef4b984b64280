/** The sessions of h3, under h3. */
import { H3, useSession } from 'h3'
import { answer, SECRET, seedData, type Contestant, type Data } from '../contestant.ts'

const CONFIG = { password: SECRET }

export const h3: Contestant = {
  name: 'h3 useSession',
  role: 'peer',
  kind: 'sealed',
  open: (payload) => ({
    app: () => {
      const app = new H3()
      app.get('/none', () => 'ok')
      app.get('/read', async (event) => answer((await useSession<Data>(event, CONFIG)).data))
      app.get('/seed', async (event) => {
        const one = await useSession<Data>(event, CONFIG)
        await one.update(seedData(payload))
        return 'seeded'
      })
      app.get('/write', async (event) => {
        const one = await useSession<Data>(event, CONFIG)
        await one.update((data) => ({ n: ((data as Data).n ?? 0) + 1 }))
        return answer(one.data)
      })
      app.get('/login', async (event) => {
        const one = await useSession<Data>(event, CONFIG)
        const { n } = one.data
        await one.update({ ...(n === undefined ? seedData(payload) : { n: n + 1 }), user: 'u_42' })
        return `${answer(one.data)}:${one.data.user}`
      })
      return app.fetch
    },
  }),
}
