// An SMSC for Kannel: tells on stdout what it was asked to send, reports each as delivered, and
// sends what it is told on stdin as messages from phones.  One JSON document a line, both ways.
'use strict';
const smpp = require('smpp');
const readline = require('readline');

const say = (document) => process.stdout.write(JSON.stringify(document) + '\n');
let bound = null;
let count = 0;

const server = smpp.createServer((session) => {
  session.on('error', () => {});
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => { session.send(pdu.response()); session.close(); });
  session.on('bind_transceiver', (pdu) => {
    session.send(pdu.response({ system_id: 'smsc' }));
    bound = session;
    say({ bound: true });
  });
  session.on('submit_sm', (pdu) => {
    const id = String(++count);
    // The library takes the header apart; `message` is what follows it, still as octets.
    const raw = pdu.short_message;
    const text = Buffer.isBuffer(raw.message) ? raw.message.toString('hex') : raw.message;
    say({
      id, to: pdu.destination_addr, from: pdu.source_addr, udh: udhOf(raw), text,
      data_coding: pdu.data_coding, esm_class: pdu.esm_class, priority: pdu.priority_flag,
      validity: pdu.validity_period, registered: pdu.registered_delivery,
    });
    session.send(pdu.response({ message_id: id }));
    if (!pdu.registered_delivery) return;
    const stat = pdu.destination_addr.endsWith('9') ? 'UNDELIV' : 'DELIVRD';
    setTimeout(() => session.deliver_sm({
      esm_class: 4,
      source_addr: pdu.destination_addr,
      destination_addr: pdu.source_addr,
      data_coding: 0,
      short_message: { message: `id:${id} sub:001 dlvrd:001 submit date:2607011200 ` +
        `done date:2607011201 stat:${stat} err:000 text:` },
    }), 30);
  });
});

function udhOf(raw) {
  if (!raw.udh) return '';
  const parts = Array.isArray(raw.udh) ? raw.udh : [raw.udh];
  return parts.map((part) => Buffer.from(part).toString('hex')).join('');
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const told = JSON.parse(line);
  bound.deliver_sm({
    esm_class: 0,
    source_addr_ton: 1, source_addr_npi: 1, source_addr: told.from,
    destination_addr: told.to,
    data_coding: told.data_coding,
    short_message: Buffer.from(told.octets, 'hex'),
  });
}).on('close', () => process.exit(0));

server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));
