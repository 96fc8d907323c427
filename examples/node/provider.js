// A gadget in Node, standard library only: how to prepare for rain, for the district that the resident shares.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'

import { Refused, Verifier } from './token.js'

const CARD_TYPE = 'application/vnd.region-card+json; charset=utf-8'
const TITLE = { ja: '雨のそなえ', en: 'Ready for rain', 'ja-simple': '雨（あめ）の じゅんび' }
const SUMMARY = {
  ja: '雨の日の前に確かめること',
  en: 'What to see to before it rains',
  'ja-simple': '雨（あめ）の まえに すること',
}
const STEPS = {
  ja: ['側溝の落ち葉を取る', '植木鉢を屋内に入れる', '避難先への道を確かめる'],
  en: ['Clear leaves from the gutter', 'Bring flower pots inside', 'Look at the way to your shelter'],
  'ja-simple': ['みぞの はっぱを とる', 'うえきばちを いえに いれる', 'にげる みちを みる'],
}
const PLACE = {
  ja: (district) => `${district} 地区のみなさんへ`,
  en: (district) => `For the district ${district}`,
  'ja-simple': (district) => `${district} の みなさんへ`,
}
const EVERYBODY = { ja: '市内のみなさんへ', en: 'For everybody in the city', 'ja-simple': 'みなさんへ' }

export function manifest(origin) {
  const host = new URL(origin).hostname
  return {
    manifest: '1.0',
    id: [...host.split('.').reverse(), 'ready'].join('.'),
    version: '1.0.0',
    provider: {
      name: '雨のそなえの会',
      type: 'npo',
      privacy: `${origin}/privacy`,
      support: 'mailto:help@rain.example',
      security: 'mailto:security@rain.example',
    },
    title: TITLE,
    summary: SUMMARY,
    category: 'safety',
    kind: 'card',
    identity: 'audience',
    sizes: ['S', 'M'],
    endpoints: { card: `${origin}/g/card`, health: `${origin}/g/health` },
    claims: [
      {
        name: 'area.district',
        need: 'optional',
        retention: 'P0D',
        purpose: {
          ja: 'お住まいの地区に呼びかけるため',
          en: 'To speak to your district',
          'ja-simple': 'あなたの まちに おしらせするため',
        },
      },
    ],
    link_origins: [origin],
    cache: { max_age: 3600, stale: 86400 },
    regions: ['*'],
  }
}

// The same token contents make the same card: nothing but the hour comes from outside.
export function card(said, origin, now = new Date()) {
  const locale = said.ctx?.locale in TITLE ? said.ctx.locale : 'ja'
  const district = said.granted?.includes('area.district') ? said.claims?.['area.district'] : undefined
  const hour = new Date(Math.floor(now.getTime() / 3_600_000) * 3_600_000)
  return {
    lang: locale === 'en' ? 'en' : 'ja',
    summary: SUMMARY[locale],
    updated: hour.toISOString(),
    valid_until: new Date(hour.getTime() + 7_200_000).toISOString(),
    source: { publisher: '雨のそなえの会', licence: 'CC0-1.0' },
    blocks: [
      { type: 'text', text: district ? PLACE[locale](district) : EVERYBODY[locale] },
      { type: 'list', items: STEPS[locale] },
      { type: 'actions', items: [{ type: 'open', label: TITLE[locale], href: `${origin}/` }] },
    ],
  }
}

export function provider({ origin, portal }) {
  const own = manifest(origin)
  const verifier = new Verifier({ portal, audience: own.id })
  const pages = new Map([
    ['/gadget.json', json(own)],
    ['/.well-known/region-gadget.json', json({ gadgets: [`${origin}/gadget.json`] })],
    ['/g/health', json({ status: 'ok' })],
    ['/privacy', html('個人情報', 'お住まいの地区は、カードを作る間だけ使い、保存しません。')],
    ['/', html(TITLE.ja, STEPS.ja.join('、'))],
  ])
  const server = createServer(async (request, response) => {
    const path = request.url.split('?', 1)[0]
    if (request.method !== 'GET') return send(response, 405, json({ error: 'GET only' }), { Allow: 'GET' })
    if (path !== '/g/card') {
      const page = pages.get(path)
      return send(response, page ? 200 : 404, page ?? json({ error: 'not found' }))
    }
    try {
      const said = await verifier.check(request.headers.authorization, { method: 'GET', url: own.endpoints.card })
      return answer(request, response, Buffer.from(JSON.stringify(card(said, origin))))
    } catch (error) {
      if (error instanceof Refused) {
        return send(response, 401, json({ error: error.message }), { 'WWW-Authenticate': 'Bearer' })
      }
      return send(response, 503, json({ error: 'the portal cannot be asked now' }), { 'Retry-After': '5' })
    }
  })
  server.headersTimeout = 5000
  server.requestTimeout = 5000
  return server
}

function answer(request, response, body) {
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, { ETag: etag })
    response.end()
    return
  }
  send(response, 200, { body, type: CARD_TYPE }, { ETag: etag })
}

function send(response, status, { body, type }, headers = {}) {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body), ...headers })
  response.end(body)
}

function json(value) {
  return { body: JSON.stringify(value), type: 'application/json; charset=utf-8' }
}

// Texts of our own only: nothing that came with a request is ever put into a page.
function html(title, text) {
  return {
    body: `<!doctype html><html lang="ja"><meta charset="utf-8"><title>${title}</title><h1>${title}</h1><p>${text}</p>`,
    type: 'text/html; charset=utf-8',
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const port = Number(process.env.PORT ?? 8941)
  const origin = (process.env.PUBLIC_ORIGIN ?? `http://rain.localhost:${port}`).replace(/\/$/, '')
  const portal = (process.env.PORTAL_URL ?? 'http://portal.localhost:8930').replace(/\/$/, '')
  provider({ origin, portal }).listen(port, '127.0.0.1', () => {
    console.log(`${origin}/gadget.json, for the portal ${portal}`)
  })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0))
}
