// How many SMS segments texts take, by two programs of others: a JSON list of texts on the input,
// a list of [split-sms, sms-segments-calculator, alphabet] on the output.  8-bit references.
const { split } = require('split-sms');
const { SegmentedMessage } = require('sms-segments-calculator');

const texts = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const counted = texts.map((text) => {
  const theirs = split(text);
  return [theirs.parts.length, new SegmentedMessage(text).segmentsCount, theirs.characterSet];
});
console.log(JSON.stringify(counted));
