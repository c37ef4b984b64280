/**
 * Imported before anything else, it makes this process one that lends no `node:crypto`: tokens and seals are then made by Web
 * Crypto and `jose`. Tests still have Node's own, by importing it.
 */
const { getBuiltinModule } = process

process.getBuiltinModule = ((id: string) => {
  return /^(?:node:)?crypto$/.test(id) ? undefined : getBuiltinModule(id)
}) as typeof getBuiltinModule
