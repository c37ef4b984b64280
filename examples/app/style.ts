/** The one style sheet, served by the app itself at /style.css. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #f7f4ee; --card: #fffdf9; --sunk: #efe9de; --line: #ddd4c4; --field: #8b8170;
  --ink: #22201c; --soft: #5f594e;
  --brass: #8a5208; --brass-deep: #6d3f03; --on-brass: #ffffff; --tint: #f6e8cf;
  --good: #1c6136; --good-tint: #e3f1e6; --bad: #9b1c1c; --bad-tint: #fbe7e4;
  --focus: #0b5cad;
  --shadow: 0 1px 2px rgb(60 45 20 / .06), 0 6px 20px rgb(60 45 20 / .05);
  --serif: 'Iowan Old Style', 'Palatino Linotype', Palatino, 'URW Palladio L', 'Source Serif 4', Georgia, 'Liberation Serif', serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #171614; --card: #211f1c; --sunk: #2b2824; --line: #3b3731; --field: #8d8474;
    --ink: #f0ece4; --soft: #b5ad9f;
    --brass: #e3b465; --brass-deep: #f0c985; --on-brass: #221600; --tint: #3b2e16;
    --good: #93d6a6; --good-tint: #19301f; --bad: #f5a9a0; --bad-tint: #3b1d1a;
    --focus: #8cc2ff;
    --shadow: none;
  }
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; min-height: 100vh; min-height: 100dvh; display: flex; flex-direction: column;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif;
}
h1, h2, h3, p, ul, ol, dl, dd, form { margin: 0; padding: 0; }
h1, h2, .brand { font-family: var(--serif); font-weight: 600; letter-spacing: -.012em; text-wrap: balance; }
h1 { font-size: clamp(1.9rem, 1.45rem + 2vw, 2.7rem); line-height: 1.14; }
h2 { font-size: 1.3rem; line-height: 1.25; }
h3 { font-size: 1.05rem; line-height: 1.35; }
p { text-wrap: pretty; overflow-wrap: break-word; }
ul, ol { list-style: none; }
a { color: var(--brass); text-underline-offset: .18em; text-decoration-thickness: .07em; }
a:hover { color: var(--brass-deep); text-decoration-thickness: .12em; }
code { font: .92em ui-monospace, 'SF Mono', Menlo, Consolas, 'Liberation Mono', monospace; background: var(--sunk); border-radius: .3em; padding: .08em .36em; overflow-wrap: anywhere; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: .4rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: 1rem; top: -4rem; background: var(--card); padding: .5rem 1rem; border-radius: .5rem; z-index: 1; }
.skip:focus { top: .6rem; }
.wrap { width: 100%; max-width: 66rem; margin-inline: auto; padding-inline: clamp(1rem, 4vw, 2rem); }

.top { background: var(--card); border-bottom: 1px solid var(--line); }
.top .wrap { display: flex; align-items: center; gap: .35rem 1.5rem; min-height: 4rem; padding-block: .55rem; }
.brand { display: inline-flex; align-items: center; gap: .6rem; font-size: 1.3rem; color: inherit; text-decoration: none; white-space: nowrap; }
.brand:hover { color: inherit; }
.mark { width: 1.9rem; height: 1.9rem; flex: none; }
.top nav { display: flex; flex: 1; align-items: center; gap: .2rem; }
.top nav a, .top nav button {
  display: inline-flex; align-items: center; gap: .4rem; min-height: 2.5rem; padding: .3rem .75rem; border-radius: .5rem;
  font: inherit; font-weight: 500; color: var(--soft); text-decoration: none; background: none; border: 0; cursor: pointer; white-space: nowrap;
}
.top nav a:hover, .top nav button:hover { background: var(--sunk); color: var(--ink); }
.top nav a[aria-current] { color: var(--ink); background: var(--sunk); }
.top nav .push { margin-left: auto; }
.top nav .who { color: var(--soft); padding-inline: .5rem; white-space: nowrap; }
.count { min-width: 1.45rem; padding: 0 .4rem; border-radius: 1rem; background: var(--brass); color: var(--on-brass); font-size: .82rem; font-weight: 600; line-height: 1.45rem; text-align: center; font-variant-numeric: tabular-nums; }

main { flex: 1; padding-block: clamp(1.75rem, 4vw, 3.25rem) 4rem; }
.head { display: grid; gap: .6rem; margin-bottom: 1.9rem; max-width: 46rem; }
.lead { color: var(--soft); font-size: 1.1rem; max-width: 42rem; overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.small { font-size: .9rem; }
.stack { display: grid; gap: 1rem; justify-items: start; }

.note { display: flex; gap: .7rem; margin-bottom: 1.6rem; padding: .8rem 1.1rem; border-radius: .7rem; border: 1px solid; font-weight: 500; overflow-wrap: anywhere; }
.note::before { flex: none; font-weight: 700; }
.note.good { color: var(--good); background: var(--good-tint); border-color: color-mix(in srgb, var(--good) 30%, transparent); }
.note.good::before { content: '✓' / ''; }
.note.bad { color: var(--bad); background: var(--bad-tint); border-color: color-mix(in srgb, var(--bad) 30%, transparent); }
.note.bad::before { content: '!' / ''; }

.card { background: var(--card); border: 1px solid var(--line); border-radius: 1rem; padding: 1.4rem; box-shadow: var(--shadow); }
.button {
  display: inline-flex; align-items: center; justify-content: center; min-height: 2.75rem; padding: .5rem 1.15rem; border-radius: .6rem;
  border: 1px solid var(--brass); background: var(--brass); color: var(--on-brass);
  font: inherit; font-weight: 600; text-decoration: none; cursor: pointer; white-space: nowrap;
}
.button:hover { background: var(--brass-deep); border-color: var(--brass-deep); color: var(--on-brass); }
.button.plain { background: transparent; color: var(--ink); border-color: var(--line); font-weight: 500; }
.button.plain:hover { background: var(--sunk); border-color: var(--field); }
.button.danger { background: transparent; color: var(--bad); border-color: color-mix(in srgb, var(--bad) 45%, transparent); }
.button.danger:hover { background: var(--bad-tint); border-color: var(--bad); }
.buttons { display: flex; flex-wrap: wrap; gap: .7rem; align-items: center; }
.link { font: inherit; color: var(--soft); background: none; border: 0; padding: .4rem .2rem; text-decoration: underline; text-underline-offset: .18em; cursor: pointer; }
.link:hover { color: var(--bad); }
label { font-weight: 500; }
input { font: inherit; color: inherit; accent-color: var(--brass); }
input[type='text'], input[type='password'], input[type='number'] { width: 100%; min-height: 2.75rem; padding: .5rem .75rem; background: var(--paper); border: 1px solid var(--field); border-radius: .6rem; }
input[type='number'] { width: 4.6rem; font-variant-numeric: tabular-nums; }
input[type='checkbox'] { width: 1.15rem; height: 1.15rem; margin: .2rem 0 0; flex: none; }
.icon { width: 4rem; height: 4rem; flex: none; color: var(--brass); }

.hero { display: grid; grid-template-columns: 1.35fr 1fr; gap: clamp(1.5rem, 5vw, 4rem); align-items: center; margin-bottom: clamp(2rem, 5vw, 3.5rem); }
.hero .stack { gap: 1.2rem; }
.counter { display: grid; gap: .4rem; justify-items: center; text-align: center; padding: 2rem 1.5rem; }
.counter output { font: 600 clamp(4rem, 3rem + 4vw, 5.5rem)/1 var(--serif); color: var(--brass); font-variant-numeric: lining-nums; }
.tour { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(15.5rem, 100%), 1fr)); gap: 1.1rem; margin-top: 1.1rem; }
.tour li { display: grid; gap: .35rem; align-content: start; }

.shelf { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(17.5rem, 100%), 1fr)); gap: 1.2rem; }
.product { display: grid; grid-template-rows: auto 1fr auto; padding: 0; overflow: hidden; }
.product .picture { display: grid; place-items: center; height: 9rem; background: var(--tint); }
.product .picture .icon { width: 5rem; height: 5rem; }
.product .words { padding: 1.1rem 1.25rem 0; display: grid; gap: .2rem; align-content: start; }
.product form { display: flex; align-items: center; justify-content: space-between; gap: 1rem; padding: 1rem 1.25rem 1.25rem; }
.price { font-weight: 600; font-variant-numeric: tabular-nums; white-space: nowrap; }

.cart { padding: 0; }
.cart li { display: grid; grid-template-columns: auto 1fr auto 6rem; gap: .5rem 1.25rem; align-items: center; padding: 1.1rem 1.4rem; border-bottom: 1px solid var(--line); }
.cart .icon { width: 3.5rem; height: 3.5rem; padding: .45rem; border-radius: .7rem; background: var(--tint); }
.cart .change { display: flex; gap: .5rem; align-items: center; flex-wrap: wrap; }
.cart .change form { display: flex; gap: .5rem; align-items: center; }
.cart .price { text-align: right; }
.total { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; padding: 1.2rem 1.4rem; font-size: 1.15rem; }
.total .price { font-size: 1.3rem; }

.narrow { max-width: 29rem; margin-inline: auto; }
.fields { display: grid; gap: 1.15rem; }
.field { display: grid; gap: .35rem; }
.check { display: flex; gap: .65rem; align-items: start; font-weight: 400; }
.check span { display: grid; }
.demo { margin-bottom: 1.3rem; background: var(--tint); border-color: color-mix(in srgb, var(--brass) 28%, transparent); box-shadow: none; padding: 1rem 1.25rem; }
.demo code { background: color-mix(in srgb, var(--card) 75%, transparent); }

.devices { display: grid; gap: 1rem; margin-bottom: 1.75rem; }
.devices li { display: grid; grid-template-columns: auto 1fr auto; gap: .4rem 1.2rem; align-items: center; }
.devices .icon { width: 3.5rem; height: 3.5rem; padding: .6rem; border-radius: .7rem; background: var(--tint); }
.devices h2 { font-family: inherit; font-size: 1.08rem; letter-spacing: 0; overflow-wrap: anywhere; display: flex; flex-wrap: wrap; gap: .25rem .7rem; align-items: center; }
.devices .current { border-color: color-mix(in srgb, var(--good) 50%, var(--line)); }
.badge { padding: .1rem .6rem; border-radius: 1rem; background: var(--good-tint); color: var(--good); font-size: .82rem; font-weight: 600; white-space: nowrap; }

.message { max-width: 34rem; margin: clamp(1rem, 6vw, 4rem) auto 0; display: grid; gap: 1rem; justify-items: center; text-align: center; }
.message .code { font: 600 4.5rem/1 var(--serif); color: var(--brass); }
.foot { border-top: 1px solid var(--line); padding-block: 1.4rem; color: var(--soft); font-size: .9rem; }

@media (max-width: 46rem) {
  .top .wrap { flex-wrap: wrap; }
  .top nav { flex: 1 0 100%; margin-inline: -.6rem; gap: 0; }
  .top nav a, .top nav button { padding-inline: .6rem; }
  .top nav .who { display: none; }
  .top nav form { margin-left: auto; }
  .hero { grid-template-columns: 1fr; }
  .product { grid-template-columns: 5.75rem 1fr; grid-template-rows: 1fr auto; }
  .product .picture { grid-row: span 2; height: auto; }
  .product .picture .icon { width: 3.75rem; height: 3.75rem; }
  .product .words { padding: 1rem 1.1rem 0; }
  .product form { padding: .8rem 1.1rem 1rem; gap: .5rem; }
  .cart li { grid-template-columns: auto 1fr auto; gap: .9rem 1.1rem; padding: 1.1rem; }
  .total { padding-inline: 1.1rem; }
  .cart .change { grid-column: 1 / -1; grid-row: 2; justify-content: space-between; }
  .devices li { grid-template-columns: auto 1fr; gap: 1rem; align-items: start; padding: 1.1rem; }
  .devices li form, .devices li form .button { grid-column: 1 / -1; width: 100%; }
}
@media (forced-colors: active) {
  .button, .count, .badge { border: 1px solid; }
}
`
