// Looks up one name, as getaddrinfo.c does, with Node.js: node lookup.js FAMILY NAME
const [family, name] = process.argv.slice(2);
const codes = { ENOTFOUND: 'EAI_NONAME', ENODATA: 'EAI_NODATA' };
const start = Date.now();
require('dns').lookup(name, { all: true, family: Number(family) }, (err, addrs) => {
  const what = err ? codes[err.code] || err.code : 'OK';
  console.log([what, Date.now() - start, ...(addrs || []).map((a) => a.address)].join(' '));
});
