// An SMSC on the npm package `smpp`, whose codec shares nothing with ours.  Says what happens on
// stdout and does what it is told on stdin, one JSON document a line:
//   {"silent": true}       answer no submission        {"receipts": "before"|"after"|"none"}
//   {"allow": 200}         so many a second, the rest throttled
//   {"count": true}        say how much was submitted   {"deliver": {...}}  a message from a person
'use strict';
const smpp = require('smpp');
const readline = require('readline');

const say = (document) => process.stdout.write(JSON.stringify(document) + '\n');
const rules = { silent: false, receipts: 'none', allow: 0, tell: false };
const sessions = [];
let submitted = 0, accepted = 0, second = 0, inSecond = 0, ids = 0x1000;

const server = smpp.createServer((session) => {
  const bind = (pdu) => {
    const ok = pdu.password === 'secret12';
    session.send(pdu.response({ command_status: ok ? 0 : smpp.ESME_RINVPASWD, system_id: 'npm' }));
    if (ok) sessions.push(session);
    say({ bind: pdu.command, as: pdu.system_id, version: pdu.interface_version, ok });
  };
  ['bind_transceiver', 'bind_transmitter', 'bind_receiver'].forEach((b) => session.on(b, bind));
  session.on('error', (error) => say({ error: String(error) }));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
  session.on('close', () => sessions.splice(sessions.indexOf(session) >>> 0, 1));
  session.on('submit_sm', (pdu) => {
    submitted++;
    if (rules.silent) return;
    const now = Math.floor(Date.now() / 1000);
    if (now !== second) { second = now; inSecond = 0; }
    if (rules.allow && inSecond >= rules.allow) {
      session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
      return;
    }
    inSecond++; accepted++;
    const id = (ids++).toString(16).toUpperCase();
    if (rules.tell) say({ id, pdu });
    if (rules.receipts === 'before') report(id, pdu);
    session.send(pdu.response({ message_id: id }));
    if (rules.receipts === 'after') report(id, pdu);
  });
});

const deliver = (pdu) => sessions[sessions.length - 1].deliver_sm(
  pdu, (answer) => say({ answered: answer.command_status }));

// In decimal and with zeros in front, where the answer was in hexadecimal.
const report = (id, pdu) => deliver({
  esm_class: 4, data_coding: 0, source_addr: pdu.destination_addr,
  short_message: `id:${String(parseInt(id, 16)).padStart(10, '0')} sub:001 dlvrd:001 ` +
    'submit date:2607011200 done date:2607011201 stat:DELIVRD err:000 text:',
});

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const told = JSON.parse(line);
  if (told.count) say({ submitted, accepted });
  if (told.deliver) {
    if (told.deliver.hex) told.deliver.short_message = Buffer.from(told.deliver.hex, 'hex');
    deliver(told.deliver);
  }
  Object.assign(rules, told);
}).on('close', () => process.exit(0));

const port = Number(process.argv[2] || 0);
server.listen(port, '127.0.0.1', () => say({ port: server.address().port }));
