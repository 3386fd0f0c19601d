// Signs up by keyboard alone in headless Chromium, scripts off: node signup.js ADDRESS NUMBER
// Prints "code?", reads the code from its input, and prints what it saw as one JSON object.
const readline = require('readline');
const { chromium } = require('playwright-core');

(async () => {
  const [address, number] = process.argv.slice(2);
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  const context = await browser.newContext({ javaScriptEnabled: false });
  const tab = await context.newPage();
  const refused = []; // what the page's own policy forbade, as the console tells
  tab.on('console', (line) => {
    if (/content security policy/i.test(line.text())) refused.push(line.text());
  });
  const keys = tab.keyboard;
  const focused = (name) => tab.locator(':focus').getAttribute(name);
  const seen = { refused };

  await tab.goto(address);
  await tab.focus('#answer');
  await keys.press('Enter');
  await tab.waitForSelector('.summary');
  seen.focused = await focused('class');
  await keys.press('Tab'); // from the summary to its first link, and along it to the field
  await keys.press('Enter');
  await keys.press('Tab');
  await keys.press('Shift+Tab');
  seen.field = await focused('id');

  await tab.focus('#number');
  await keys.type(number);
  await tab.focus('#where-all');
  await keys.press('ArrowDown'); // only some places: the list opens
  await keys.press('Tab');
  await keys.press('Space');
  const question = await tab.locator('label[for=answer]').textContent();
  await tab.focus('#answer');
  await keys.type(String(question.match(/\d/g).reduce((sum, n) => sum + Number(n), 0)));
  await keys.press('Enter');
  await tab.waitForSelector('#code');
  console.log('code?');
  for await (const code of readline.createInterface({ input: process.stdin })) {
    await tab.focus('#code');
    await keys.type(code);
    break;
  }
  await keys.press('Enter');
  await tab.waitForSelector('.quiet');
  seen.said = (await tab.locator('.quiet').textContent()).trim();
  await browser.close();
  console.log(JSON.stringify(seen));
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
