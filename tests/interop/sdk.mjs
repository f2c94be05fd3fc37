// The AWS Encryption SDK for JavaScript, asked by tests/interop/sdk.sh, which says what is asked.
//
//   node sdk.mjs DIR      the SDK is in DIR/node_modules
//
// The first line of output is the SDK's version; then each line of input, a request in JSON, is answered by one line.
import {constants} from 'node:crypto';
import {createReadStream, createWriteStream, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';
import {pipeline} from 'node:stream/promises';

const require = createRequire(process.argv[2] + '/');
const sdk = require('@aws-crypto/client-node');
const wrappingSuites = {
  16: sdk.RawAesWrappingSuiteIdentifier.AES128_GCM_IV12_TAG16_NO_PADDING,
  24: sdk.RawAesWrappingSuiteIdentifier.AES192_GCM_IV12_TAG16_NO_PADDING,
  32: sdk.RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
};

function kmsKeyring({kms, url, id, secret}) {
  const credentials = {accessKeyId: id, secretAccessKey: secret};
  const clientProvider = (region) => new sdk.KMS({region, endpoint: url, credentials});
  return new sdk.KmsKeyringNode({generatorKeyId: kms, clientProvider});
}

function rawKeyring({namespace: keyNamespace, name: keyName, padding, file}) {
  const material = readFileSync(file);
  if (padding === null) {
    // the SDK takes no view of a shared buffer, which readFileSync may return
    const unencryptedMasterKey = Uint8Array.from(material);
    const wrappingSuite = wrappingSuites[material.length];
    // unless told so, it sorts names of the context as words of a language, in which it differs from all other SDKs
    const how = {wrappingSuite, utf8Sorting: true};
    return new sdk.RawAesKeyringNode({keyNamespace, keyName, unencryptedMasterKey, ...how});
  }
  const rsaKey = material.includes('PRIVATE') ? {privateKey: material} : {publicKey: material};
  const how = padding === 'pkcs1' ?
      {padding: constants.RSA_PKCS1_PADDING} :
      {padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: padding.replace('oaep-', '')};
  return new sdk.RawRsaKeyringNode({keyNamespace, keyName, rsaKey, ...how});
}

async function answer(request) {
  const policy = sdk.CommitmentPolicy[request.policy.toUpperCase().replaceAll('-', '_')];
  const client = sdk.buildClient(policy);
  const ring = (request.key.kms ? kmsKeyring : rawKeyring)(request.key);
  const stream = request.do === 'seal' ?
      client.encryptStream(ring, {
        suiteId: parseInt(request.suite, 16),
        frameLength: request.frame,
        encryptionContext: request.context,
      }) :
      client.decryptStream(ring);
  let context = null;
  stream.on('MessageHeader', (header) => { context = header.encryptionContext; });
  await pipeline(createReadStream(request.in), stream, createWriteStream(request.out));
  return {context};
}

console.log('@aws-crypto/client-node ' + require('@aws-crypto/client-node/package.json').version);
for await (const line of createInterface({input: process.stdin})) {
  const reply = await answer(JSON.parse(line)).catch((error) => ({error: String(error)}));
  console.log(JSON.stringify(reply));
}
