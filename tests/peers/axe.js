// Judges pages by axe-core in headless Chromium: node axe.js SITE PATH...
// Prints one JSON object: {"pages": n, "violations": [...]}.
const fs = require('fs');
const path = require('path');
const { chromium } = require('playwright-core');

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'EN-301-549', 'best-practice'];

(async () => {
  const [site, ...pages] = process.argv.slice(2);
  const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  const violations = [];
  let judged = 0;
  for (const colorScheme of ['light', 'dark']) {
    for (const page of pages) {
      const context = await browser.newContext({
        viewport: { width: 320, height: 800 }, colorScheme, bypassCSP: true,
      });
      const tab = await context.newPage();
      await tab.goto('file://' + path.join(site, page));
      await tab.evaluate(axe);
      const result = await tab.evaluate((tags) => axe.run({ runOnly: tags }), TAGS);
      for (const found of result.violations) {
        violations.push(`${colorScheme} ${page} ${found.id}: ${found.nodes[0].html.slice(0, 160)}`);
      }
      // WCAG 2.2, 1.4.10: no scrolling in two directions at 320 px
      const over = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) violations.push(`${colorScheme} ${page} is ${over} px too wide`);
      judged += 1;
      await context.close();
    }
  }
  await browser.close();
  console.log(JSON.stringify({ pages: judged, violations }));
})();
