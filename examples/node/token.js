// Verifies the portal's request token (rgadget+jwt): ES256, key set, issuer, audience, address, time, single use.
import { createPublicKey, verify } from 'node:crypto'
import { request } from 'node:http'
import { request as secureRequest } from 'node:https'

const LIFETIME = 60
const LEEWAY = 5
const KEYS_FOR = 60_000 // milliseconds
const KEYS_AGAIN = 5_000 // an unknown key makes us ask again, but no oftener than this
const KEY_SET_BYTES = 64 * 1024
const REMEMBERED = 100_000

export class Refused extends Error {}

export class Verifier {
  #portal
  #audience
  #keys = new Map()
  #readAt = -Infinity
  #reading = null
  #used = new Map()

  constructor({ portal, audience }) {
    this.#portal = portal
    this.#audience = audience
  }

  // Returns the claims; throws Refused with a sentence that never repeats the token.
  async check(authorization, { method, url }) {
    const [scheme, raw] = (authorization ?? '').split(' ')
    if (scheme?.toLowerCase() !== 'bearer' || !raw) throw new Refused('a request token is needed')
    const parts = raw.split('.')
    if (parts.length !== 3 || raw.length > 8192) throw new Refused('not a signed token')
    const header = part(parts[0])
    if (header.alg !== 'ES256') throw new Refused('another algorithm than ES256')
    if (header.typ !== 'rgadget+jwt') throw new Refused('another kind of token')
    if ('crit' in header) throw new Refused('an extension that is not known here')
    const key = await this.#key(header.kid)
    const signed = Buffer.from(`${parts[0]}.${parts[1]}`)
    const signature = Buffer.from(parts[2], 'base64url')
    if (!verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature)) {
      throw new Refused('the signature does not hold')
    }
    const claims = part(parts[1])
    const now = Date.now() / 1000
    if (claims.iss !== this.#portal) throw new Refused('another issuer')
    if (claims.aud !== this.#audience) throw new Refused('for another gadget')
    if (claims.htm !== method || claims.htu !== url) throw new Refused('for another address')
    if (!Number.isInteger(claims.iat) || !Number.isInteger(claims.exp)) throw new Refused('no times')
    if (claims.iat > now + LEEWAY || claims.exp <= now) throw new Refused('not now')
    if (claims.exp - claims.iat > LIFETIME) throw new Refused('it lives too long')
    this.#once(claims.jti, claims.exp, now)
    return claims
  }

  // There is no await between looking and remembering: two requests with one token cannot both pass.
  #once(jti, until, now) {
    if (typeof jti !== 'string' || !jti) throw new Refused('no jti')
    if (this.#used.has(jti)) throw new Refused('used before')
    if (this.#used.size >= REMEMBERED) {
      for (const [old, end] of this.#used) if (end <= now) this.#used.delete(old)
      if (this.#used.size >= REMEMBERED) throw new Refused('too many at once')
    }
    this.#used.set(jti, until)
  }

  async #key(kid) {
    const age = Date.now() - this.#readAt
    if (age > KEYS_FOR || (!this.#keys.has(kid) && age > KEYS_AGAIN)) {
      this.#reading ??= this.#read().finally(() => { this.#reading = null })
      await this.#reading
    }
    const key = this.#keys.get(kid)
    if (!key) throw new Refused('a key that the portal does not publish')
    return key
  }

  async #read() {
    const { keys } = JSON.parse(await download(`${this.#portal}/.well-known/jwks.json`))
    this.#keys = new Map(
      keys
        .filter((jwk) => jwk.kty === 'EC' && jwk.crv === 'P-256' && !jwk.d)
        .map((jwk) => [jwk.kid, createPublicKey({ key: jwk, format: 'jwk' })]),
    )
    this.#readAt = Date.now()
  }
}

function part(text) {
  let value
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch {
    throw new Refused('not a token')
  }
  if (typeof value !== 'object' || value === null) throw new Refused('not a token')
  return value
}

// Names under .localhost are this machine; the Host header stays what the portal calls itself.
function download(address) {
  const url = new URL(address)
  const options = { timeout: 3000, headers: { Host: url.host } }
  if (url.hostname.endsWith('.localhost')) options.hostname = '127.0.0.1'
  return new Promise((resolve, reject) => {
    const asked = (url.protocol === 'https:' ? secureRequest : request)(url, options, (answer) => {
      if (answer.statusCode !== 200) {
        answer.resume()
        reject(new Refused('the key set cannot be read'))
        return
      }
      const chunks = []
      let size = 0
      answer.on('data', (chunk) => {
        size += chunk.length
        if (size > KEY_SET_BYTES) asked.destroy(new Refused('the key set is too large'))
        chunks.push(chunk)
      })
      answer.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')))
    })
    asked.on('timeout', () => asked.destroy(new Refused('the key set does not come')))
    asked.on('error', reject)
    asked.end()
  })
}
